"""One camera on generated pictures: what it shows and tells, and that it fails alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import cv2
import numpy as np
import pytest

from configs.method import AdaptationSettings, MethodSettings, RegionSettings, WindowSettings
from configs.settings import Settings
from pipeline.camera import Camera, Shared
from pipeline.event_bus import EventBus
from pipeline.frame_threads import FrameThreads
from stream.errors import CorruptSourceError
from stream.events import AdaptationEvent, CameraState, Event, RegionEvent
from stream.metrics import Metrics
from stream.source_status import SourceStatus
from stream.views import ViewHub
from tests.fakes.frames import SIZE, frame, picture
from tests.fakes.retraining import FakeWorker
from tests.fakes.served import FakeNetworks
from tests.fakes.sources import ListSource
from tests.fakes.waiting import until

METHOD = MethodSettings(size=SIZE, flow_scale=1.0, keyframe_threshold=0.99, camera_motion="none")
SETTINGS = Settings(
    method=METHOD,
    adaptation=AdaptationSettings(
        window=WindowSettings(spacing=0.2, capacity=3), first_keyframes=2, new_keyframes=100, cool_down=0
    ),
    regions=RegionSettings(threshold=0.3, minimum_hits=1),
)


class Bench:
    """A camera, what it is tied to, and what it tells."""

    def __init__(self, source: ListSource, settings: Settings, hub: ViewHub, worker: FakeWorker) -> None:
        networks: Any = FakeNetworks(settings.method)
        child: Any = worker
        self.threads = FrameThreads(2)
        self.shared = Shared(settings, networks, self.threads, child, hub, EventBus(), Metrics())
        self.camera = Camera("door", source, self.shared)
        self.worker = worker
        self.told: list[Event] = []

    def kinds(self) -> list[str]:
        return [event.kind for event in self.told if isinstance(event, AdaptationEvent) and event.kind != "keyframe"]

    def states(self) -> list[CameraState]:
        return [event for event in self.told if isinstance(event, CameraState)]

    def metric(self, name: str, **labels: str) -> float:
        return self.shared.metrics.registry.get_sample_value(name, {"camera": "door", **labels}) or 0.0


@asynccontextmanager
async def bench_with(source: ListSource, settings: Settings = SETTINGS) -> AsyncIterator[Bench]:
    worker = FakeWorker()
    async with ViewHub(settings.webrtc.encoding, Metrics()) as hub:
        bench = Bench(source, settings, hub, worker)
        with bench.threads:
            async with bench.camera, bench.shared.bus.subscribe() as events, asyncio.TaskGroup() as tasks:
                tasks.create_task(_listen(events, bench.told), name="listen")
                yield bench
                await bench.shared.bus.close()


async def _listen(events: Any, told: list[Event]) -> None:
    async for event in events:
        told.append(event)  # noqa: PERF401 - others look at it meanwhile


async def test_every_frame_of_a_file_is_analysed_told_and_counted() -> None:
    source = ListSource(frame(number) for number in range(20))
    async with bench_with(source) as bench:
        await bench.camera.run()
        await until(lambda: bool(bench.states()) and bench.states()[-1].frames == 20)
        state = bench.camera.state()
    assert (state.camera, state.frames, state.width, state.height, state.pts) == ("door", 20, 96, 64, 19)
    assert state.media_time == pytest.approx(19 / 25)
    assert 0 < state.saliency_mean < state.saliency_peak <= 1
    assert (state.dropped, state.error) == ({}, "")
    assert bench.metric("livesal_frames_total", stage="analysis") == 20
    assert bench.metric("livesal_stage_duration_seconds_count", stage="colour") == 20
    assert len(bench.camera.timeline().points) > 1
    types = [event.type for event in bench.told if isinstance(event, RegionEvent)]
    assert (types[0], types[-1]) == ("new", "end"), "the end of the source ends its regions"


async def test_retraining_is_told_and_counted_and_the_twin_serves() -> None:
    source = ListSource((frame(number) for number in range(20)), pause_at=12)
    source.go.clear()
    async with bench_with(source) as bench, asyncio.TaskGroup() as tasks:
        bench.worker.go.clear()
        running = tasks.create_task(bench.camera.run(), name="camera")
        await until(lambda: bench.camera.state().frames == 12)
        assert bench.camera.state().phase == "retraining"
        bench.worker.go.set()
        await bench.camera._analysis._rounds.wait()  # type: ignore[union-attr]
        source.go.set()
        await running
        state = bench.camera.state()
    assert bench.kinds() == ["retraining-started", "retraining-finished", "swapped", "window-filled"]
    assert (state.frames, state.model_version, state.phase) == (20, 1, "serving")
    assert (state.retrainings, state.swaps, state.rejected, state.failed) == (1, 1, 0, 0)
    assert bench.metric("livesal_adaptations_total", result="swapped") == 1
    assert bench.metric("livesal_adaptation_duration_seconds_sum") == 1.5
    assert [mark.kind for mark in bench.camera.timeline().marks] == bench.kinds()


async def test_the_state_says_at_once_what_an_order_came_to() -> None:
    source = ListSource((frame(number) for number in range(14)), pause_at=12)
    source.go.clear()
    async with bench_with(source) as bench, asyncio.TaskGroup() as tasks:
        bench.worker.go.clear()
        tasks.create_task(bench.camera.run(), name="camera")
        await until(lambda: bench.camera.state().frames == 12 and bool(bench.worker.jobs))
        phases = [(bench.camera.state().phase,) * 2]
        for command in ("off", "off", "on", "force", "reset", "on"):
            before = len(bench.states())
            await bench.camera.command(command)  # type: ignore[arg-type]
            await until(lambda seen=before: len(bench.states()) > seen)
            phases.append((bench.camera.state().phase, bench.states()[-1].phase))
        assert bench.camera.state().window == bench.camera.state().model_version == 0
        source.go.set()
    assert phases == [(phase, phase) for phase in ("retraining", "off", "off", *["warming"] * 4)]
    assert bench.kinds()[-1] == "reset"
    assert bench.worker.cancelled == 1


async def test_an_order_is_obeyed_by_a_camera_that_starts_later_and_again() -> None:
    source = ListSource(frame(number) for number in range(12))
    async with bench_with(source) as bench:
        await bench.camera.command("off")
        await bench.camera.run()
        assert bench.camera.state().phase == "off"
        await bench.camera.run()
        assert (bench.camera.state().phase, bench.worker.jobs) == ("off", [])
        await bench.camera.command("on")
        assert bench.camera.state().phase == "warming"


async def test_the_keyframes_that_are_held_can_be_seen() -> None:
    source = ListSource(frame(number) for number in range(30))
    async with bench_with(source) as bench:
        await bench.camera.run()
        adapter = bench.camera._analysis.adapter  # type: ignore[union-attr]
        held = [(keyframe.sequence, keyframe.nr) for keyframe in adapter.window]  # type: ignore[union-attr]
        seen = bench.camera.keyframes()
    assert len(held) == 3
    assert [(thumbnail.id, thumbnail.nr) for thumbnail in seen] == held
    for thumbnail in seen:
        shown = cv2.imdecode(np.frombuffer(thumbnail.jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        assert np.abs(shown.astype(float) - picture(thumbnail.id)).mean() < 20


async def test_only_what_someone_looks_at_is_drawn() -> None:
    source = ListSource(frame(number) for number in range(3))
    source.go.clear()
    async with bench_with(source) as bench, asyncio.TaskGroup() as tasks:
        hub = bench.shared.hub
        wanted = tasks.create_task(hub.snapshot("door", "overlay"), name="look")
        await asyncio.sleep(0)
        tasks.create_task(bench.camera.run(), name="camera")
        jpeg = await wanted
        await until(lambda: bench.camera.state().frames == 3)
        assert set(hub._latest) == {("door", "overlay")}
        source.go.set()
    assert jpeg.startswith(b"\xff\xd8")


async def test_a_round_that_waits_for_another_cameras_is_shown_as_queued() -> None:
    source = ListSource((frame(number) for number in range(20)), pause_at=12)
    source.go.clear()
    async with bench_with(source) as bench, asyncio.TaskGroup() as tasks:
        async with bench.worker.turns.turn("another"):
            running = tasks.create_task(bench.camera.run(), name="camera")
            await until(lambda: bench.camera.state().phase == "queued")
            await until(lambda: bench.camera.state().frames == 12)  # frames go on meanwhile
            assert not bench.worker.jobs
        await until(lambda: bool(bench.worker.jobs))
        assert bench.camera.state().phase != "queued"
        source.go.set()
        await running


async def test_a_source_that_fails_ends_the_camera_with_its_error() -> None:
    source = ListSource((frame(number) for number in range(4)), CorruptSourceError("clip.mp4: is damaged"))
    async with bench_with(source) as bench:
        with pytest.raises(ExceptionGroup):
            await bench.camera.run()
        bench.camera.fail("clip.mp4: is damaged")
        state = bench.camera.state()
        assert (state.source, state.error) == ("down", "clip.mp4: is damaged")
        bench.camera.fail("")
        assert bench.camera.state().source == "up"


async def test_a_camera_without_frames_has_a_state() -> None:
    async with bench_with(ListSource([])) as bench:
        state = bench.camera.state()
    assert (state.frames, state.pts, state.nr, state.phase, state.width) == (0, None, 1.0, "off", 0)
    assert (bench.camera.keyframes(), bench.camera.timeline().points) == ((), ())


async def test_what_the_source_drops_is_told_and_counted() -> None:
    source = ListSource(frame(number) for number in range(3))
    source.status = SourceStatus(state="up", dropped={"late": 4}, reconnects=2)
    async with bench_with(source) as bench:
        await bench.camera.run()
        state = bench.camera.state()
    assert (state.dropped, state.reconnects) == ({"late": 4}, 2)
    assert bench.metric("livesal_frames_dropped_total", reason="late") == 4
    assert bench.metric("livesal_source_reconnects_total") == 2
