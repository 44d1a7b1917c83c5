"""The real service when a camera goes away, is broken, or its retraining is killed: the rest goes on."""

import itertools
import os
import signal
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import aioice.ice
import httpx
import psutil
import pytest

from models.training.twin import TwinStep
from pipeline.retraining.job import Report
from pipeline.retraining.worker import RetrainingWorker
from pipeline.service import Service
from stream.events import CameraState
from stream.render import Image
from tests.fakes.live_service import DEMO, quick_settings, step
from tests.fakes.player import Player
from tests.fakes.rtsp_server import rtsp_server
from tests.fakes.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


async def test_a_camera_that_was_killed_comes_back_and_disturbs_no_other() -> None:
    async with rtsp_server() as server:
        door = {"url": server.url, "reconnect": {"initial": 0.1, "maximum": 0.5}, "read_timeout": 3.0}
        settings = quick_settings({"door": door, "demo": DEMO}, adaptation={"enabled": False})
        async with Service(settings) as service:
            await _frames(service, "door", 5)
            await _frames(service, "demo", 5)
            await server.kill()
            await until(lambda: service.camera("door").source == "down")
            assert service.camera("door").error
            still = service.camera("door").frames
            await _frames(service, "demo", 10)
            assert service.camera("door").frames <= still + 3  # those that were in the pipeline
            await server.start()
            await until(lambda: service.camera("door").source == "up")
            await _frames(service, "door", 5)
            door_state, demo_state = service.camera("door"), service.camera("demo")
            await until(lambda: _metric(service, "livesal_source_reconnects_total", "door") == 1)
            assert _metric(service, "livesal_source_reconnects_total", "demo") == 0
    assert (door_state.reconnects, door_state.error, door_state.width) == (1, "", 320)
    assert (demo_state.reconnects, demo_state.error, demo_state.source) == (0, "", "up")


async def test_a_broken_camera_says_why_and_the_good_one_goes_on(tmp_path: Path) -> None:
    missing = tmp_path / "missing.mp4"
    settings = quick_settings({"broken": str(missing), "good": DEMO})
    async with Service(settings) as service, Player() as player:
        await until(lambda: bool(service.camera("broken").error))
        await _frames(service, "good", 10)
        async with httpx.AsyncClient(base_url=service.url) as client:
            broken = (await client.get("/api/cameras/broken")).json()["state"]
            ready = await client.get("/readiness")
            refused = await client.post(
                "/cameras/broken/final/whep",
                content=await player.offer(),
                headers={"Content-Type": "application/sdp"},
            )
        good = service.camera("good")
    assert broken["source"] == "down"
    assert broken["error"] == f"{missing}: there is no such file or folder"
    assert ready.status_code == 200
    assert refused.status_code == 409
    assert "retry-after" in refused.headers
    assert (good.source, good.error) == ("up", "")


async def test_killing_the_retraining_changes_nothing_for_viewers_and_the_next_round_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    killed: list[int] = []

    def kill_once(worker: RetrainingWorker) -> None:
        if not killed and worker.pid is not None:
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)

    _hear_steps(monkeypatch, kill_once)
    settings = quick_settings({"demo": DEMO}, adaptation={"retraining": {"iterations_per_keyframe": 16}})
    async with Service(settings) as service, service.subscribe() as events, Player() as player:
        numbers = _published(service, monkeypatch)
        async with httpx.AsyncClient(base_url=service.url) as client:
            await _frames(service, "demo", 1)
            answer = await client.post(
                "/cameras/demo/final/whep",
                content=await player.offer(),
                headers={"Content-Type": "application/sdp"},
            )
        assert answer.status_code == 201
        await player.accept(answer.text)
        before = await player.frame()
        failed = await step(events, "failed")
        child = service._worker.pid
        assert not psutil.pid_exists(killed[0])
        after = [await player.frame() for _ in range(5)]
        finished = await step(events, "retraining-finished")
        outcome = await step(events, "swapped", "rejected")
        state = service.camera("demo")
    assert "died (exit code -9)" in str(failed.details["reason"])
    assert child != killed[0]
    assert all(frame.time > before.time for frame in after)
    assert finished.details["iterations"] > 0
    assert (state.failed, state.source) == (1, "up")
    assert (state.swaps, state.rejected) == ((1, 0) if outcome.kind == "swapped" else (0, 1))
    assert all(later > earlier for earlier, later in itertools.pairwise(numbers))
    assert state.dropped.keys() <= {"overflow", "late", "overtaken"}


def _hear_steps(monkeypatch: pytest.MonkeyPatch, hear: Callable[[RetrainingWorker], None]) -> None:
    """Have `hear` called in the middle of every round."""
    run = RetrainingWorker.run

    async def heard(worker: RetrainingWorker, folder: Path, seconds: float) -> Report:
        def on_step(_: TwinStep) -> None:
            hear(worker)

        return await run(worker, folder, seconds, on_step)

    monkeypatch.setattr(RetrainingWorker, "run", heard)


def _published(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list that the number of every picture for the viewers is going to be added to."""
    numbers: list[int] = []
    publish = service._hub.publish

    def note(camera: str, view: str, image: Image, pts: int, time_base: Fraction) -> None:
        numbers.append(pts)
        publish(camera, view, image, pts, time_base)

    monkeypatch.setattr(service._hub, "publish", note)
    return numbers


async def _frames(service: Service, camera: str, count: int) -> CameraState:
    """Wait for `count` more frames of a camera."""
    wanted = service.camera(camera).frames + count
    await until(lambda: service.camera(camera).frames >= wanted)
    return service.camera(camera)


def _metric(service: Service, name: str, camera: str) -> float:
    return service.metrics.registry.get_sample_value(name, {"camera": camera}) or 0.0
