import time

import pytest
import torch

from models.registry import saliency_entry
from models.saliency_model import SaliencyModel
from pipeline.bench.roofline import Peak, Work, measure_peak, network_work, remark
from pipeline.bench.timing import in_turns


def test_works_take_turns_and_are_told_apart() -> None:
    order: list[str] = []

    def spin() -> None:
        order.append("long")
        end = time.thread_time() + 0.004
        while time.thread_time() < end:
            pass

    timed = in_turns({"long": spin, "short": lambda: order.append("short")}, 0.0, least=3)
    assert order == ["long", "short"] * 5, "two rounds to warm up, three that count"
    assert timed["long"].own >= 4 > timed["short"].own
    assert timed["long"].least <= timed["long"].own <= timed["long"].wall + 0.01


def test_what_bounds_a_work_follows_from_the_peaks() -> None:
    peak = Peak(gmacs=10, gbytes=10)
    assert remark(Work(8e6, 1e6), 1, peak).startswith("arithmetic: 80%")
    assert remark(Work(1e6, 9e6), 1, peak).startswith("memory: 10% of the arithmetic peak, 90%")
    assert remark(Work(1e6, 1e6), 1, peak).startswith("neither")
    assert remark(Work(None, 8e6), 1, peak).startswith("memory: 80%")
    assert remark(Work(None, 1e5), 1, peak).startswith("its own steps: 1%")


def test_multiply_adds_of_a_network_are_those_of_its_convolutions() -> None:
    model = SaliencyModel(saliency_entry("livesal-colour")).eval()
    encoder, decoder = network_work(model, (64, 96))
    # the stem by hand: 32 filters of 3 x 3 x 3 at half the size
    stem = 32 * 27 * 32 * 48
    assert encoder.macs is not None
    assert encoder.macs > 10 * stem
    # four times the pixels, four times the work
    larger, _ = network_work(model, (128, 192))
    assert larger.macs == pytest.approx(4 * encoder.macs)
    assert decoder.macs is not None
    assert 0 < decoder.macs < encoder.macs


def test_the_peak_is_measured() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        peak = measure_peak()
    finally:
        torch.set_num_threads(threads)
    assert peak.gmacs > 0.1
    assert peak.gbytes > 0.1
