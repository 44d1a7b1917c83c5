import json
import math
from typing import Literal

import pytest

from configs.output import MqttSettings
from stream.events import CameraState, Phase, RegionEvent, SourceState, TrackedRegion
from stream.mqtt_camera import CameraDesk
from stream.mqtt_topics import Message, Topics


@pytest.fixture
def desk() -> CameraDesk:
    return CameraDesk("front", Topics("livesal"), MqttSettings(state_interval=1.0, motion_hold=30.0))


def _state(source: SourceState = "up", phase: Phase = "warming", frames: int = 0) -> CameraState:
    return CameraState(camera="front", time=1.0, source=source, phase=phase, frames=frames)


def _region(kind: Literal["new", "update", "end"], name: str = "1.0-aaaaaa") -> RegionEvent:
    seen = TrackedRegion(
        id=name, camera="front", frame_time=1.0, start_time=1.0, end_time=None, box=(0, 0, 9, 9), area=81, ratio=1.0,
        score=0.9, top_score=0.9,
    )  # fmt: skip
    return RegionEvent(type=kind, before=seen, after=seen)


def _short(messages: list[Message]) -> list[str]:
    """Each message as its leaf, with its payload where that is one word."""
    return [
        message.topic.removeprefix("livesal/").removeprefix("front/")
        + ("" if message.payload.startswith(b"{") else f"={message.payload.decode()}")
        for message in messages
    ]


def test_after_a_connect_everything_is_told_and_availability_last(desk: CameraDesk) -> None:
    assert _short(desk.everything(0.0)) == ["motion=OFF", "adapt/state=OFF", "available=offline"]
    assert "state" in _short(desk.tell(_state(), 0.0))
    desk.tell(_region("new"), 0.0)
    assert _short(desk.everything(0.0)) == ["state", "motion=ON", "adapt/state=ON", "available=online"]


def test_availability_follows_the_source(desk: CameraDesk) -> None:
    assert _short(desk.tell(_state("connecting"), 0.0)) == ["adapt/state=ON", "state"]
    assert _short(desk.tell(_state("up"), 5.0)) == ["available=online", "state"]
    assert _short(desk.tell(_state("down"), 5.1)) == ["available=offline"]
    assert _short(desk.tell(_state("up", phase="off"), 5.2)) == ["available=online", "adapt/state=OFF"]


def test_states_are_rate_limited_and_the_newest_is_told_when_its_time_comes(desk: CameraDesk) -> None:
    assert "state" in _short(desk.tell(_state(frames=1), 10.0))
    assert desk.due == math.inf
    assert desk.tell(_state(frames=2), 10.4) == []
    assert desk.tell(_state(frames=3), 10.8) == []
    assert desk.due == 11.0
    assert desk.tick(10.9) == []
    (message,) = desk.tick(11.0)
    assert json.loads(message.payload)["frames"] == 3
    assert desk.tick(12.0) == []
    assert _short(desk.tell(_state(frames=4), 12.0)) == ["state"]


def test_motion_is_over_after_the_hold_off(desk: CameraDesk) -> None:
    assert _short(desk.tell(_region("new"), 0.0)) == ["events", "event", "motion=ON"]
    assert _short(desk.tell(_region("update"), 1.0)) == ["events", "event"]
    assert _short(desk.tell(_region("end"), 2.0)) == ["events", "event"]
    assert desk.due == 32.0
    assert desk.tick(31.9) == []
    assert _short(desk.tick(32.0)) == ["motion=OFF"]
    assert desk.due == math.inf


def test_a_region_in_time_goes_on_with_motion(desk: CameraDesk) -> None:
    desk.tell(_region("new"), 0.0)
    desk.tell(_region("end"), 2.0)
    assert _short(desk.tell(_region("new", "2.0-bbbbbb"), 20.0)) == ["events", "event"]
    assert desk.tick(100.0) == []
    desk.tell(_region("end", "2.0-bbbbbb"), 100.0)
    assert _short(desk.tick(130.0)) == ["motion=OFF"]


def test_motion_goes_on_while_any_region_is_there(desk: CameraDesk) -> None:
    desk.tell(_region("new"), 0.0)
    desk.tell(_region("new", "0.0-bbbbbb"), 0.0)
    desk.tell(_region("end"), 1.0)
    assert desk.due == math.inf


def test_a_source_that_goes_away_ends_motion_too(desk: CameraDesk) -> None:
    desk.tell(_state(), 0.0)
    desk.tell(_region("new"), 0.0)
    desk.tell(_state("down"), 10.0)
    assert "motion=OFF" in _short(desk.tick(40.0))


def test_a_snapshot_is_wanted_for_new_frames_only(desk: CameraDesk) -> None:
    assert not desk.wants_snapshot()
    desk.tell(_state(frames=1), 0.0)
    assert desk.wants_snapshot()
    assert not desk.wants_snapshot()
    desk.tell(_state(frames=2), 0.0)
    assert desk.wants_snapshot()
    desk.tell(_state("down", frames=3), 0.0)
    assert not desk.wants_snapshot()
