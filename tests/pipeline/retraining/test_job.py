import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoint import read_state
from pipeline.errors import JobError
from pipeline.retraining.job import Job, read_job, read_labels, stack, write_job, write_result
from pipeline.retraining.run_job import run_job, split
from pipeline.values import Keyframe
from tests.fakes.jobs import small_job
from tests.fakes.plugins import write_plugin


def job(base: dict[str, torch.Tensor] | None = None) -> Job:
    return replace(small_job(), base=base or {})


def test_a_job_survives_a_round_trip(tmp_path: Path) -> None:
    base = {"decoder.context.bias": torch.ones(64)}
    write_job(job(base), tmp_path / "job")
    read = read_job(tmp_path / "job")
    assert torch.equal(read.keyframes.images, job().keyframes.images)
    assert torch.equal(read.keyframes.labels, job().keyframes.labels)
    assert torch.equal(read.base["decoder.context.bias"], base["decoder.context.bias"])
    assert (read.model, read.settings, read.held_out, read.seed) == ("livesal-colour", job().settings, 0.2, 1)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda folder: (folder / "job.json").unlink(), "job.json is missing"),
        (lambda folder: (folder / "job.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "job.json").write_text(json.dumps({"model": "x"})), "damaged"),
        (lambda folder: (folder / "keyframes.safetensors").write_bytes(b"abc"), "damaged"),
    ],
)
def test_a_damaged_job_is_refused(tmp_path: Path, damage: Callable[[Path], object], expected: str) -> None:
    write_job(job(), tmp_path)
    damage(tmp_path)
    with pytest.raises(JobError, match=expected):
        read_job(tmp_path)


def test_a_job_is_done_and_judged_on_held_out_keyframes(tmp_path: Path) -> None:
    steps = []
    done = run_job(job(), steps.append)
    report = done.report
    assert (report.keyframes, report.held_out, report.iterations) == (3, 2, 6)
    assert report.error_after < report.error_before
    assert [step.iteration for step in steps] == list(range(1, 7))
    write_result(tmp_path, done)
    assert read_state(tmp_path / "twin.safetensors").keys() == done.state.keys()
    assert read_labels(tmp_path) == {}, "nobody took a closer look"


def test_a_round_can_start_from_the_twin_in_service() -> None:
    first = run_job(job())
    second = run_job(job(dict(first.state)))
    assert second.report.error_before == pytest.approx(first.report.error_after, rel=1e-4)


@pytest.mark.parametrize(
    ("count", "share", "judged"),
    [
        (8, 0.25, 3),
        (32, 0.25, 8),
        (5, 0.2, 2),
        (3, 0.25, 1),
        (2, 0.5, 1),
        (3, 0.0, 0),
        (1, 0.5, 0),
        (8, 0.9, 7),
    ],
)
def test_held_out_keyframes_are_spread_over_time(count: int, share: float, judged: int) -> None:
    training, unseen = split(count, share)
    assert sorted(training + unseen) == list(range(count))
    assert len(unseen) == judged
    assert training
    gaps = np.diff([-1, *unseen, count])
    assert gaps.max() <= 2 * -(-count // (judged + 1)) or judged == 0


def test_keyframes_of_two_sizes_are_no_job() -> None:
    def keyframe(side: int) -> Keyframe:
        image, label = np.zeros((side, side, 3), np.uint8), np.zeros((side, side), np.float32)
        return Keyframe(image=image, label=label, nr=0.1, media_time=0, sequence=0)

    with pytest.raises(JobError):
        stack([keyframe(8), keyframe(16)])
    assert len(stack([keyframe(8), keyframe(8)])) == 2


def test_a_network_from_a_file_of_the_users_own_is_retrained(tmp_path: Path) -> None:
    spec = f"{write_plugin(tmp_path)}:build"
    write_job(replace(small_job(), model=spec), tmp_path / "job")
    done = run_job(read_job(tmp_path / "job"))
    assert done.report.error_after < done.report.error_before
    assert done.state.keys() == {"score.weight", "score.bias"}
