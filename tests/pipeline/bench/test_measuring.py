"""The verbs that need no process of their own, on pictures so small that each takes a moment."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pipeline.bench import batch, flows, networks, peers, retraining, stages, swap
from pipeline.bench.options import BenchOptions

SMALL = BenchOptions(
    seconds=0.01,
    frame=(96, 160),
    size=(64, 96),
    changes={"method": {"size": [64, 96]}, "webrtc": {"encoding": {"width": 160}}},
)


@pytest.fixture(autouse=True)
def settings_of_torch() -> Iterator[None]:
    """Leave torch's threads and denormals as they were."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def test_stages_add_up_to_the_frame_and_each_says_what_bounds_it() -> None:
    report = stages.measure(SMALL)
    whole, *each = report.rows
    assert [row["stage"] for row in each][:2] == ["decode to RGB", "shrink"]
    assert sum(float(row["cpu ms"] or 0) for row in each) == pytest.approx(float(whole["cpu ms"] or 0), rel=0.01)
    assert all("%" in str(row["bounded by"]) for row in each)


def test_retraining_compares_three_ways() -> None:
    report = retraining.measure(SMALL)
    assert [row["ms an iteration ratio"] is not None for row in report.rows] == [True] * 3
    parameters = [int(row["parameters"] or 0) for row in report.rows]
    assert parameters[0] == parameters[1] < parameters[2]


def test_a_swap_is_set_beside_frames_that_meet_none() -> None:
    report = swap.measure(SMALL)
    counts = {str(row["frames"]): int(row["count"] or 0) for row in report.rows}
    assert counts["first after a swap"] == 3
    assert counts["neither built nor swapped"] == 30
    assert counts["while a head is built"] > 0
    assert report.figures["a swap's cost to the frame path"].value is not None


def test_networks_are_set_beside_the_default() -> None:
    report = networks.measure(BenchOptions(seconds=0.01, size=(64, 96), names=["livesal-motion"]))
    assert [row["network"] for row in report.rows] == ["livesal-colour", "livesal-motion"]
    assert report.rows[0]["frame ms ratio"] == 1.0


def test_peers_see_the_same_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "_PEER_SIZE", (64, 64))
    monkeypatch.setattr(peers, "_PAPER_SIZE", (64, 64))
    report = peers.measure(SMALL)
    assert report.rows[0]["times livesal"] == 1.0
    assert [str(row["method"]).split(":")[0].split(",")[0] for row in report.rows][:2] == ["livesal", "U2-NetP"]
    assert all(float(row["cpu ms"] or 0) > 0 for row in report.rows)


def test_a_batch_is_set_beside_one_frame_after_the_other() -> None:
    changes = {"method": {"device": "cpu"}, "adaptation": {"retraining": {"iterations_per_keyframe": 1}}}
    report = batch.measure(BenchOptions(seconds=0.01, size=(64, 96), names=["1", "2"], changes=changes))
    beside = "path by lucas-kanade, half retrained"
    measured = ["one by one", "one batch", "path by lucas-kanade", beside, f"{beside}, 30 a second"]
    assert [row["cameras"] for row in report.rows] == [f"{count}, {what}" for count in (1, 2) for what in measured]
    assert report.rows[0]["frames/s ratio"] == 1.0
    assert float(report.rows[-1]["twins/s"] or 0) > 0
    assert "no GPU" in report.notes[0]
    assert len(report.notes) == 7  # frames are too small for RAFT, or its weights are missing
    assert all("raft-small" in note for note in report.notes[1:])


def test_what_serves_agrees_with_plain_float32() -> None:
    changes = {"method": {"device": "cpu"}}
    bench = batch.Bench.of(BenchOptions(seconds=0.01, size=(64, 96), changes=changes))
    assert max(float(value or 0) for value in batch.agreement(bench, "lucas-kanade").values()) < 1e-5


def test_flow_methods_are_set_beside_dis(tmp_path: Path) -> None:
    _photographs(tmp_path)
    report = flows.measure(BenchOptions(source=str(tmp_path), seconds=1, size=(64, 96), names=["farneback"]))
    assert [row["method"] for row in report.rows] == ["dis", "farneback"]
    assert report.rows[1]["ms ratio"] is not None


def _photographs(folder: Path) -> None:
    """Write pictures of discs, and their masks."""
    rng = np.random.default_rng(0)
    rows, columns = np.ogrid[:120, :160]
    for kind in ("images", "masks"):
        (folder / kind).mkdir()
    for number in range(4):
        inside = (rows - 60) ** 2 + (columns - 60 - 10 * number) ** 2 < 30**2
        image = rng.integers(0, 100, (120, 160, 3), np.uint8)
        image[inside] = (200, 180, 90)
        cv2.imwrite(str(folder / "images" / f"{number}.jpg"), image)
        cv2.imwrite(str(folder / "masks" / f"{number}.png"), inside.astype(np.uint8) * 255)
