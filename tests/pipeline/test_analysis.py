"""The analysis stage on generated pictures: frames never wait, swaps fall between two of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from configs.guards import DriftSettings
from configs.method import AdaptationSettings, MethodSettings, WindowSettings
from models.errors import CheckpointError
from pipeline.analysed_frame import AnalysedFrame
from pipeline.analysis import Analysis
from pipeline.errors import RoundError
from pipeline.frame_threads import FrameThreads
from stream.channel import Channel, Overflow
from stream.frame import Frame
from tests.fakes.frames import SIZE, frame, picture
from tests.fakes.retraining import FakeWorker
from tests.fakes.served import BrightIsSalient, ColourfulIsSalient, FakeNetworks
from tests.fakes.waiting import until

SETTINGS = AdaptationSettings(
    window=WindowSettings(spacing=0),
    first_keyframes=2,
    new_keyframes=1000,
    cool_down=1000,
    failure_budget=2,
    drift=DriftSettings(probation=0),
)
METHOD = MethodSettings(
    size=SIZE,
    flow_scale=1.0,
    keyframe_threshold=1.0,
    camera_motion="none",
    motion_coding="coded-flow",
    final="product",
    smoothing=0,
)
"""Every frame in which both halves find something is a keyframe."""


@asynccontextmanager
async def analysis_with(
    worker: FakeWorker,
    settings: AdaptationSettings = SETTINGS,
    networks: FakeNetworks | None = None,
    **options: Any,
) -> AsyncIterator[Analysis]:
    networks = networks or FakeNetworks(METHOD)
    with FrameThreads(2) as threads:
        async with (
            asyncio.TaskGroup() as tasks,
            Analysis("door", networks, settings, worker, tasks, threads.seat("door"), **options) as analysis,
        ):
            yield analysis


async def analyse(analysis: Analysis, numbers: range, **options: Any) -> list[AnalysedFrame]:
    return [await analysis.analyse(frame(number, picture(number, **options))) for number in numbers]


async def settle(analysis: Analysis) -> None:
    """Wait until the round is over; its outcome counts from the next frame on."""
    assert analysis._rounds is not None
    await analysis._rounds.wait()


def kinds(frames: list[AnalysedFrame]) -> list[str]:
    return [event.kind for done in frames for event in done.events if event.kind != "keyframe"]


async def test_motion_colour_and_low_level_come_out_for_every_frame_while_a_round_runs() -> None:
    worker = FakeWorker()
    worker.go.clear()
    async with analysis_with(worker) as analysis:
        done = await analyse(analysis, range(12))
        assert len(done) == 12
        assert "retraining-started" in kinds(done)
        assert worker.finished == 0, "the round is still running"
        for number, one in enumerate(done):
            saliency = one.saliency
            assert one.frame.sequence == number
            assert saliency.model_version == 0
            assert saliency.colour == pytest.approx(BrightIsSalient().head(picture(number)))
            known = saliency.motion if number else 1.0
            assert saliency.low_level == pytest.approx(known * saliency.colour)
            assert np.array_equal(saliency.final, saliency.low_level)
            assert number == 0 or saliency.motion.max() > 0.5
        assert analysis.adapter is not None
        assert analysis.adapter.state.phase == "retraining"
    assert worker.cancelled == 1, "the end gives the round up"


async def test_a_swap_falls_between_two_frames_and_low_level_stays_the_originals() -> None:
    worker = FakeWorker(power=2)
    worker.go.clear()
    async with analysis_with(worker) as analysis:
        before = await analyse(analysis, range(6))
        worker.go.set()
        await settle(analysis)
        after = await analyse(analysis, range(6, 12))
    done = before + after
    assert [one.frame.sequence for one in done] == list(range(12)), "no frame is dropped"
    assert [one.saliency.model_version for one in done] == [0] * 7 + [1] * 5
    swap = done[6]
    assert kinds([swap]) == ["retraining-finished", "swapped"]
    for one in done[7:]:
        saliency = one.saliency
        colour = BrightIsSalient().head(one.small)
        assert saliency.colour == pytest.approx(colour)
        assert saliency.low_level == pytest.approx(saliency.motion * colour)
        assert saliency.final == pytest.approx(colour**2 * saliency.low_level)


async def test_the_keyframes_of_a_round_are_labelled_by_the_original() -> None:
    worker = FakeWorker(power=2)
    settings = SETTINGS.model_copy(update={"new_keyframes": 2, "cool_down": 0.0})
    async with analysis_with(worker, settings, wait_for_rounds=True) as analysis:
        done = await analyse(analysis, range(12))
    assert done[-1].saliency.model_version > 0
    assert len(worker.jobs) > 1
    low_level = [one.saliency.low_level for one in done]
    labels = worker.jobs[-1].keyframes.labels.numpy()
    for label in labels:
        assert any(np.array_equal(label, one) for one in low_level)
    assert "power" in worker.jobs[-1].base, "a round goes on from the twin in service"


async def test_the_window_keeps_the_labels_of_a_closer_look() -> None:
    worker = FakeWorker(power=2)
    async with analysis_with(worker, wait_for_rounds=True) as analysis:
        for number in range(6):
            await analysis.analyse(frame(number, cv2.resize(picture(number), None, fx=2.5, fy=2.5)))
        assert analysis.adapter is not None
        held = list(analysis.adapter.window)
    (job,) = worker.jobs
    assert job.closer.keys() == {0, 1}, "both keyframes of the round"
    assert job.closer[0].now.shape == (2 * SIZE[0], 2 * SIZE[1], 3)
    assert np.abs(job.closer[0].now.astype(int) - job.closer[1].before).mean() < 1, "one was the frame before the other"
    assert [float(one.label.min()) == float(one.label.max()) == 0.5 for one in held] == [True, True, *[False] * 3]
    assert [one.closer is None for one in held] == [True, True, *[False] * 3], "later ones wait for the next round"


async def test_frames_of_a_file_wait_for_the_round_so_that_the_next_one_profits() -> None:
    async with analysis_with(FakeWorker(), wait_for_rounds=True) as analysis:
        done = await analyse(analysis, range(6))
    started = next(one.frame.sequence for one in done if "retraining-started" in kinds([one]))
    swapped = next(one.frame.sequence for one in done if "swapped" in kinds([one]))
    assert swapped == started + 1
    assert [one.saliency.model_version for one in done] == [0] * (swapped + 1) + [1] * (5 - swapped)


async def test_a_failed_round_leaves_everything_serving() -> None:
    worker = FakeWorker()
    settings = SETTINGS.model_copy(update={"new_keyframes": 2, "cool_down": 0.0})
    async with analysis_with(worker, settings, wait_for_rounds=True) as analysis:
        served = await analyse(analysis, range(4))
        assert kinds(served)[-1] == "swapped"
        worker.error = RoundError("the retraining process died (exit code -9)")
        done = await analyse(analysis, range(4, 13))
    assert kinds(done).count("failed") == 2
    assert kinds(done)[-1] == "degraded"
    assert {one.saliency.model_version for one in done} == {1}, "the twin in service stays"
    assert [one.frame.sequence for one in done] == list(range(4, 13))
    assert all(one.saliency.motion.max() > 0.5 for one in done)


async def test_a_scene_cut_resets() -> None:
    worker = FakeWorker()
    async with analysis_with(worker, wait_for_rounds=True) as analysis:
        before = await analyse(analysis, range(6))
        assert before[-1].saliency.model_version == 1
        cut, after = await analyse(analysis, range(6, 8), ground=(200, 180, 40))
        assert analysis.adapter is not None
        assert len(analysis.adapter.window) <= 2
    assert cut.saliency.scene_cut
    assert cut.saliency.motion.max() == 0
    assert [(event.kind, event.details) for event in cut.events][:1] == [("reset", {"reason": "scene cut"})]
    assert (after.saliency.model_version, after.saliency.scene_cut) == (0, False)
    assert np.array_equal(after.saliency.final, after.saliency.low_level)


async def test_a_scene_cut_gives_up_the_round_that_is_running() -> None:
    worker = FakeWorker()
    worker.go.clear()
    async with analysis_with(worker) as analysis:
        await analyse(analysis, range(6))
        cut, *_ = await analyse(analysis, range(6, 7), ground=(200, 180, 40))
        assert kinds([cut]) == ["reset"]
        worker.go.set()
        await settle(analysis)
        done = await analyse(analysis, range(7, 9), ground=(200, 180, 40))
    assert "swapped" not in kinds(done), "what was learned in the old scene never serves in the new one"


async def test_another_working_size_begins_anew() -> None:
    networks = FakeNetworks(METHOD.model_copy(update={"size": None, "area": 64 * 96}))
    worker = FakeWorker()
    async with analysis_with(worker, networks=networks, wait_for_rounds=True) as analysis:
        before = await analyse(analysis, range(6))
        assert before[-1].saliency.model_version == 1
        small = frame(6, picture(6, (96, 96)))
        first = await analysis.analyse(small)
        second = await analysis.analyse(frame(7, picture(7, (96, 96))))
    assert networks.built == [(64, 96), (64, 64)]
    assert first.saliency.motion.shape == (64, 64)
    assert (first.saliency.motion.max(), first.saliency.model_version) == (0, 0)
    assert (first.events[0].kind, first.events[0].details) == ("reset", {"reason": "another frame size"})
    assert second.saliency.motion.max() > 0.2
    assert analysis.adapter is not None
    assert all(held.label.shape == (64, 64) for held in analysis.adapter.window)


async def test_another_frame_size_of_the_same_working_size_goes_on() -> None:
    networks = FakeNetworks(METHOD)
    async with analysis_with(FakeWorker(), networks=networks, wait_for_rounds=True) as analysis:
        await analyse(analysis, range(6))
        done = await analysis.analyse(frame(6, picture(6, (128, 192))))
    assert networks.built == [SIZE]
    assert (done.saliency.model_version, done.small.shape) == (1, (*SIZE, 3))


async def test_run_closes_the_channel_at_the_end_of_the_frames() -> None:
    frames, out = Channel[Frame](4), Channel[AnalysedFrame](100)
    async with analysis_with(FakeWorker()) as analysis, asyncio.TaskGroup() as stages:
        stages.create_task(analysis.run(frames, out), name="analysis")
        for number in range(5):
            await frames.send(frame(number))
        await frames.close()
        numbers = [one.frame.sequence async for one in out]
    assert numbers == list(range(5))


async def run_all(analysis: Analysis, given: list[Frame]) -> list[AnalysedFrame]:
    frames, out = Channel[Frame](len(given)), Channel[AnalysedFrame](len(given))
    for one in given:
        await frames.send(one)
    await frames.close()
    await analysis.run(frames, out)
    return [one async for one in out]


async def test_frames_that_overlap_come_out_as_one_after_the_other() -> None:
    numbers = range(12)
    settings = SETTINGS.model_copy(update={"new_keyframes": 2, "cool_down": 0.0})
    async with analysis_with(FakeWorker(power=2), settings, wait_for_rounds=True) as analysis:
        apart = await analyse(analysis, numbers)
    async with analysis_with(FakeWorker(power=2), settings, wait_for_rounds=True) as analysis:
        overlapping = await run_all(analysis, [frame(number, picture(number)) for number in numbers])
    assert apart[-1].saliency.model_version > 0
    for first, second in zip(apart, overlapping, strict=True):
        assert first.saliency.model_version == second.saliency.model_version
        for name in ("motion", "colour", "low_level", "final", "unadapted"):
            np.testing.assert_array_equal(getattr(first.saliency, name), getattr(second.saliency, name))


async def test_a_frame_begins_while_the_one_before_is_being_finished() -> None:
    frames, out = Channel[Frame](4), Channel[AnalysedFrame](1)
    async with analysis_with(FakeWorker()) as analysis, asyncio.TaskGroup() as stages:
        running = stages.create_task(analysis.run(frames, out), name="analysis")
        for number in range(4):
            await frames.send(frame(number))
        # the first waits in the channel, the second for its room, the third has begun: the fourth is left
        await until(lambda: len(out) == 1 and len(frames) == 1)
        await frames.close()
        assert [one.frame.sequence async for one in out] == [0, 1, 2, 3]
        await running


async def test_pictures_of_another_size_begin_when_those_before_are_done() -> None:
    tall = (SIZE[1], SIZE[0])
    settings = METHOD.model_copy(update={"size": None, "area": 64 * 96})
    async with analysis_with(FakeWorker(), networks=FakeNetworks(settings)) as analysis:
        given = [frame(0), frame(1), frame(2, picture(2, size=tall)), frame(3)]
        done = await run_all(analysis, given)
    assert [one.frame.size for one in done] == [SIZE, SIZE, tall, SIZE]
    assert [one.saliency.motion.shape for one in done] == [SIZE, SIZE, tall, SIZE]
    assert [one.frame.sequence for one in done] == [0, 1, 2, 3]


class Weightless(FakeNetworks):
    async def colour(self, size: tuple[int, int]) -> BrightIsSalient:
        message = f"no weights for {size}"
        raise CheckpointError(message)


async def test_a_camera_that_waits_for_its_turn_takes_the_newest_frame_then() -> None:
    frames, out = Channel[Frame](1, Overflow.DROP_OLDEST), Channel[AnalysedFrame](2)
    with FrameThreads(1) as threads:
        async with (
            asyncio.TaskGroup() as rounds,
            Analysis("door", FakeNetworks(METHOD), SETTINGS, FakeWorker(), rounds, threads.seat("door")) as analysis,
            asyncio.TaskGroup() as stages,
        ):
            async with threads.seat("yard").turn():
                stages.create_task(analysis.run(frames, out), name="analysis")
                for number in range(3):
                    await frames.send(frame(number, picture(number)))
                await until(lambda: threads.waits("door"))
                await frames.send(frame(3, picture(3)))
            assert (await out.receive()).frame.sequence == 3
            await frames.close()
    assert frames.dropped == 3


async def test_a_network_that_cannot_be_served_ends_the_stage_and_closes_the_channel() -> None:
    frames, out = Channel[Frame](4), Channel[AnalysedFrame](4)
    async with analysis_with(FakeWorker(), networks=Weightless(METHOD)) as analysis:
        await frames.send(frame(0))
        with pytest.RaisesGroup(pytest.RaisesExc(CheckpointError, match="no weights for")):
            await analysis.run(frames, out)
    assert out.closed


async def test_each_stage_says_how_long_it_took() -> None:
    async with analysis_with(FakeWorker()) as analysis:
        (done,) = await analyse(analysis, range(1))
    assert set(done.seconds) == {"shrink", "colour", "motion", "total"}
    assert all(seconds >= 0 for seconds in done.seconds.values())
    assert done.seconds["total"] >= max(done.seconds["colour"], done.seconds["motion"])


async def test_denormal_numbers_count_as_zero_in_the_frame_path(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def head(network: BrightIsSalient, features: Any) -> Any:
        del features
        seen.append(float((torch.full((8,), 1e-30) * torch.full((8,), 1e-10)).max()))
        return np.zeros(network.size, np.float32)

    monkeypatch.setattr(BrightIsSalient, "head", head)
    monkeypatch.setattr(ColourfulIsSalient, "head", head)
    async with analysis_with(FakeWorker()) as analysis:
        await analyse(analysis, range(2))
    assert seen == [0.0] * 3, "the colour half twice, the motion half from the second frame on"
