"""Rounds in a child, whose outcome the test decides, and rounds done at once."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.method import AdaptationSettings, MethodSettings, RetrainingSettings, TeacherSettings
from models.engine import serve
from models.loading import load_model
from pipeline.errors import RoundError
from pipeline.retraining.rounds import (
    ChildRounds,
    Failed,
    Judging,
    Outcome,
    RoundRequest,
    SimulatedRounds,
    Trained,
    job_of,
)
from pipeline.values import CloserLook
from tests.fakes.frames import SIZE, keyframe
from tests.fakes.retraining import FakeWorker
from tests.fakes.served import BrightIsSalient
from tests.fakes.waiting import until

SETTINGS = AdaptationSettings(retraining=RetrainingSettings(iterations_per_keyframe=1))


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@asynccontextmanager
async def child_rounds(
    worker: FakeWorker,
    executor: ThreadPoolExecutor,
    network: BrightIsSalient | None = None,
    settings: AdaptationSettings = SETTINGS,
    camera: str = "door",
) -> AsyncIterator[ChildRounds]:
    async with asyncio.TaskGroup() as tasks:
        rounds = ChildRounds(camera, MethodSettings(), network or BrightIsSalient(), settings, worker, tasks, executor)
        yield rounds
        await rounds.stop()


def request(seed: int = 3) -> RoundRequest:
    return RoundRequest([keyframe(time) for time in range(5)], {}, seed)


async def outcome_of(rounds: ChildRounds) -> Outcome:
    await rounds.wait()
    outcome = rounds.poll(0)
    assert outcome is not None
    return outcome


async def test_the_job_reaches_the_child_and_its_twin_comes_back_once(executor: ThreadPoolExecutor) -> None:
    worker = FakeWorker(power=2)
    worker.go.clear()
    async with child_rounds(worker, executor) as rounds:
        assert rounds.poll(0) is None
        rounds.start(request(seed=3), 0)
        await until(lambda: bool(worker.jobs))
        assert rounds.poll(1) is None
        (job,) = worker.jobs
        assert (job.model, job.seed, job.held_out, len(job.keyframes)) == ("livesal-colour", 3, 0.25, 5)
        worker.go.set()
        outcome = await outcome_of(rounds)
        assert isinstance(outcome, Trained)
        assert (outcome.report.error_after, float(outcome.state["power"])) == (0.4, 2)
        image = keyframe(0).image
        assert outcome.head(image) == pytest.approx(BrightIsSalient().head(image) ** 2)
        assert rounds.poll(2) is None
    assert not await asyncio.to_thread(worker.folders[0].exists), "a round leaves no files behind"


def test_a_round_looks_closely_at_keyframes_that_nobody_looked_at_yet() -> None:
    look = CloserLook(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8))
    held = [replace(keyframe(time), closer=None if time == 3 else look) for time in range(5)]
    job = job_of(RoundRequest(held, {}, 0), MethodSettings(), SETTINGS)
    assert job.closer.keys() == {0, 1, 2, 4}
    assert job.teacher is not None
    served = SETTINGS.model_copy(update={"teacher": TeacherSettings(scale=1)})
    assert job_of(RoundRequest(held, {}, 0), MethodSettings(), served).teacher is None


async def test_jobs_are_kept_where_someone_wants_to_look_at_them(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    kept = SETTINGS.model_copy(update={"jobs": tmp_path / "jobs"})
    worker = FakeWorker(power=2)
    async with child_rounds(worker, executor, settings=kept) as rounds:
        for seed in range(22):
            rounds.start(request(seed), 0)
            assert isinstance(await outcome_of(rounds), Trained)
    assert await asyncio.to_thread(lambda: len(list((tmp_path / "jobs").iterdir()))) == 20
    assert await asyncio.to_thread((worker.folders[-1] / "job.json").exists)
    assert not await asyncio.to_thread(worker.folders[0].exists), "the oldest go"


async def test_a_folder_that_cannot_be_made_fails_the_round_alone(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "jobs").write_text, "a file")
    wrong = SETTINGS.model_copy(update={"jobs": tmp_path / "jobs"})
    async with child_rounds(FakeWorker(power=2), executor, settings=wrong) as rounds:
        rounds.start(request(), 0)
        outcome = await outcome_of(rounds)
    assert isinstance(outcome, Failed)
    assert "no folder for the round's job" in outcome.reason


class SlowTwin(BrightIsSalient):
    """A network whose twin takes until `go` to build."""

    def __init__(self) -> None:
        super().__init__()
        self.building, self.go = threading.Event(), threading.Event()

    def twin_head(self, state: Any) -> Any:
        self.building.set()
        self.go.wait(30)
        return super().twin_head(state)


async def test_while_the_twin_is_built_the_round_is_being_judged(executor: ThreadPoolExecutor) -> None:
    network = SlowTwin()
    async with child_rounds(FakeWorker(), executor, network) as rounds:
        rounds.start(request(), 0)
        await until(network.building.is_set)
        assert isinstance(rounds.poll(0), Judging)
        assert rounds.poll(0) is None
        network.go.set()
        assert isinstance(await outcome_of(rounds), Trained)


@pytest.mark.parametrize(
    "error", [RoundError("the retraining process died"), OSError("disk full"), ValueError("no such thing")]
)
async def test_whatever_goes_wrong_fails_the_round_and_no_more(
    executor: ThreadPoolExecutor, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    worker = FakeWorker(error=error)
    with caplog.at_level(logging.WARNING, "livesal.retraining"):
        async with child_rounds(worker, executor) as rounds:
            rounds.start(request(), 0)
            outcome = await outcome_of(rounds)
            assert isinstance(outcome, Failed)
            assert str(error) in outcome.reason
            worker.error = None
            rounds.start(request(), 0)
            assert isinstance(await outcome_of(rounds), Trained), "the next round is a new one"
    assert str(error) in caplog.text
    for folder in worker.folders:
        assert not await asyncio.to_thread(folder.exists)


async def test_a_twin_that_cannot_be_served_fails_the_round(executor: ThreadPoolExecutor) -> None:
    async with child_rounds(FakeWorker(), executor, BrightIsSalient(refuses=True)) as rounds:
        rounds.start(request(), 0)
        assert await outcome_of(rounds) == Failed("the twin differs from torch")


async def test_keyframes_of_two_sizes_fail_the_round(executor: ThreadPoolExecutor) -> None:
    async with child_rounds(FakeWorker(), executor) as rounds:
        rounds.start(RoundRequest([], {}, 0), 0)
        outcome = await outcome_of(rounds)
    assert isinstance(outcome, Failed)
    assert "keyframes of one size" in outcome.reason


async def test_the_outcome_of_a_cancelled_round_never_comes(executor: ThreadPoolExecutor) -> None:
    worker = FakeWorker()
    worker.go.clear()
    async with child_rounds(worker, executor) as rounds:
        rounds.start(request(1), 0)
        await until(lambda: len(worker.jobs) == 1)
        rounds.cancel()
        rounds.start(request(2), 0)
        await until(lambda: len(worker.jobs) == 2)
        assert (worker.cancelled, rounds.poll(0)) == (1, None)
        worker.go.set()
        assert isinstance(await outcome_of(rounds), Trained)
    assert [job.seed for job in worker.jobs] == [1, 2]
    assert not await asyncio.to_thread(worker.folders[0].exists)


async def test_cameras_wait_for_the_child_in_turns_and_train_on_what_their_window_holds_then(
    executor: ThreadPoolExecutor,
) -> None:
    worker = FakeWorker(power=2)
    worker.go.clear()
    window = [keyframe(time) for time in range(3)]
    async with (
        child_rounds(worker, executor, camera="door") as door,
        child_rounds(worker, executor, camera="yard") as yard,
    ):
        door.start(request(1), 0)
        await until(lambda: len(worker.jobs) == 1)
        yard.start(RoundRequest(window, {}, 2), 0)
        await until(lambda: yard.queued)
        assert not door.queued
        window.append(keyframe(3))
        assert len(worker.jobs) == 1, "one round at a time"
        worker.go.set()
        assert isinstance(await outcome_of(yard), Trained)
        assert isinstance(await outcome_of(door), Trained)
        assert not yard.queued
    assert [(job.seed, len(job.keyframes)) for job in worker.jobs] == [(1, 5), (2, 4)]


async def test_a_round_that_is_given_up_while_it_waits_leaves_no_trace(executor: ThreadPoolExecutor) -> None:
    worker = FakeWorker(power=2)
    worker.go.clear()
    async with (
        child_rounds(worker, executor, camera="door") as door,
        child_rounds(worker, executor, camera="yard") as yard,
    ):
        door.start(request(1), 0)
        await until(lambda: len(worker.jobs) == 1)
        yard.start(request(2), 0)
        await until(lambda: yard.queued)
        await yard.stop()
        assert not yard.queued
        worker.go.set()
        assert isinstance(await outcome_of(door), Trained)
    assert len(worker.folders) == 1


class Reluctant(FakeWorker):
    """A child that takes its time to end."""

    def __init__(self) -> None:
        super().__init__()
        self.go.clear()
        self.ended = asyncio.Event()

    async def run(self, *arguments: Any) -> Any:
        try:
            return await super().run(*arguments)
        finally:
            await self.ended.wait()


async def test_stopping_waits_for_rounds_that_were_cancelled_before(executor: ThreadPoolExecutor) -> None:
    worker = Reluctant()
    async with child_rounds(worker, executor) as rounds:
        rounds.start(request(), 0)
        await until(lambda: bool(worker.jobs))
        rounds.cancel()
        async with asyncio.TaskGroup() as tasks:
            stopping = tasks.create_task(rounds.stop(), name="stop")
            await until(lambda: worker.cancelled == 1)
            assert not stopping.done()
            worker.ended.set()
    assert not await asyncio.to_thread(worker.folders[0].exists)


def test_a_simulated_round_comes_true_when_its_time_has_come() -> None:
    network = serve(load_model("livesal-colour"), SIZE)
    rounds = SimulatedRounds(MethodSettings(), network, SETTINGS, seconds=4)
    rounds.start(request(), 10)
    assert rounds.poll(13.9) is None
    outcome = rounds.poll(14)
    assert isinstance(outcome, Trained)
    assert (outcome.report.keyframes, outcome.report.held_out) == (3, 2)
    features = network.encode(keyframe(0).image)
    assert (outcome.head(features) != network.head(features)).any()
    assert rounds.poll(15) is None
    rounds.start(request(), 20)
    rounds.cancel()
    assert rounds.poll(30) is None


def test_a_simulated_trial_is_judged_on_all_keyframes_without_training_and_is_over_soon() -> None:
    model = load_model("livesal-colour")
    state = {name: value * 1.01 for name, value in model.network.state_dict().items() if name.startswith("decoder.")}
    rounds = SimulatedRounds(MethodSettings(), serve(model, SIZE), SETTINGS, seconds=4)
    rounds.start(RoundRequest([keyframe(time) for time in range(3)], state, 0, trial=True), 10)
    outcome = rounds.poll(11)
    assert isinstance(outcome, Trained)
    assert (outcome.report.keyframes, outcome.report.held_out, outcome.report.iterations) == (0, 3, 0)
    assert outcome.report.error_after != outcome.report.error_before
    assert outcome.state is state


def test_a_simulated_round_that_fails_says_why() -> None:
    rounds = SimulatedRounds(MethodSettings(colour="nonesuch"), BrightIsSalient(), SETTINGS, seconds=1)
    rounds.start(request(), 0)
    outcome = rounds.poll(1)
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("no saliency network is named 'nonesuch'")
