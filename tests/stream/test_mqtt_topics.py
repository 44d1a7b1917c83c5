import json

import pytest

from stream.events import AdaptationEvent, CameraState
from stream.mqtt_topics import Topics, adapt_message, availability, event_message, motion_message, read_command
from tests.fakes.mqtt_events import camera_state, region_event

TOPICS = Topics("house/livesal")


def test_the_tree() -> None:
    assert TOPICS.available == "house/livesal/available"
    assert TOPICS.events == "house/livesal/events"
    assert TOPICS.adaptation == "house/livesal/adaptation"
    assert TOPICS.of("front", "adapt/state") == "house/livesal/front/adapt/state"
    assert TOPICS.commands == "house/livesal/+/adapt/set"


def test_what_is_retained_and_at_which_qos() -> None:
    state = event_message(TOPICS, CameraState(camera="front", time=1.0, source="up"))
    assert state is not None
    assert (state.topic, state.retain, state.replaceable) == ("house/livesal/front/state", True, True)
    assert json.loads(state.payload)["source"] == "up"
    online = availability(TOPICS.available, online=True)
    assert (online.payload, online.retain, online.qos) == (b"online", True, 1)
    assert availability(TOPICS.available, online=False).payload == b"offline"
    assert not motion_message(TOPICS, "front", on=True).retain
    assert adapt_message(TOPICS, "front", on=False).retain


def test_adaptation_events_are_kept_and_single_keyframes_are_not_told() -> None:
    def event(kind: str) -> AdaptationEvent:
        return AdaptationEvent(camera="front", kind=kind, time=1.0, media_time=0.5, model_version=2)  # type: ignore[arg-type]  # parametrised

    swapped = event_message(TOPICS, event("swapped"))
    assert swapped is not None
    assert (swapped.topic, swapped.retain, swapped.replaceable) == ("house/livesal/adaptation", False, False)
    assert json.loads(swapped.payload)["type"] == "swapped"
    assert event_message(TOPICS, event("keyframe")) is None


@pytest.mark.parametrize(
    ("payload", "command"), [(b"ON", "ON"), (b"off", "OFF"), (b" RESET\n", "RESET"), (b"Force", "FORCE")]
)
def test_commands_are_read(payload: bytes, command: str) -> None:
    assert read_command(TOPICS, "house/livesal/front/adapt/set", payload, retained=False) == ("front", command)


def test_an_unknown_command_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'house/livesal/front/adapt/set'.*'dance'.*ON, OFF, RESET, FORCE"):
        read_command(TOPICS, "house/livesal/front/adapt/set", b"dance", retained=False)
    with pytest.raises(ValueError, match="unknown command"):
        read_command(TOPICS, "house/livesal/front/adapt/set", b"\xff\x00" * 10_000, retained=False)


def test_a_retained_switch_is_obeyed_but_a_retained_deed_is_not() -> None:
    topic = TOPICS.of("front", "adapt/set")
    assert read_command(TOPICS, topic, b"OFF", retained=True) == ("front", "OFF")
    with pytest.raises(ValueError, match="without the retain flag"):
        read_command(TOPICS, topic, b"RESET", retained=True)


def test_another_topic_takes_no_commands() -> None:
    with pytest.raises(ValueError, match="takes no commands"):
        read_command(TOPICS, "house/livesal/front/state", b"ON", retained=False)


def test_events_may_be_cloud_events_while_states_stay_as_they_are() -> None:
    told = event_message(TOPICS, region_event("new"), "cloudevents")
    assert told is not None
    envelope = json.loads(told.payload)
    assert (told.topic, envelope["specversion"], envelope["type"]) == (
        "house/livesal/events",
        "1.0",
        "livesal.region.new",
    )
    assert envelope["data"]["after"]["box"] == [10, 20, 110, 70]
    state = event_message(TOPICS, camera_state(), "cloudevents")
    assert state is not None
    assert json.loads(state.payload)["camera"] == "front"
