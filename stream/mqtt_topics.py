"""The MQTT topics of livesal, what is published under them, and the commands that come in. Pure."""

import json
from dataclasses import dataclass
from typing import Final, Literal, get_args

from configs.events import EventFormat
from stream.cloud_events import written
from stream.event_json import event_text
from stream.events import AdaptationEvent, CameraState, Event, RegionEvent

AdaptCommand = Literal["ON", "OFF", "RESET", "FORCE"]
"""What can be asked of a camera's adaptation: go on, stop, back to the original weights, retrain now."""

ONLINE: Final = b"online"
OFFLINE: Final = b"offline"
ON: Final = b"ON"
OFF: Final = b"OFF"

_COMMANDS: Final[dict[str, AdaptCommand]] = {command: command for command in get_args(AdaptCommand)}
_ONCE: Final = ("RESET", "FORCE")
_SHOWN: Final = 40
"""Characters of an unknown command that a message repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One MQTT message to publish.

    Attributes:
        topic: where to.
        payload: what.
        qos: 1 = at least once, 0 = at most once.
        retain: whether the broker keeps it for those who subscribe later.
        replaceable: whether a newer message of the topic makes it worthless.
    """

    topic: str
    payload: bytes
    qos: Literal[0, 1] = 1
    retain: bool = False
    replaceable: bool = True


@dataclass(frozen=True, slots=True)
class Topics:
    """The topic tree below one prefix, the same for each camera."""

    prefix: str

    @property
    def available(self) -> str:
        """Whether livesal itself is there; its last will goes here."""
        return f"{self.prefix}/available"

    @property
    def events(self) -> str:
        """Salient regions of all cameras: new, update, end."""
        return f"{self.prefix}/events"

    @property
    def adaptation(self) -> str:
        """Steps of the adaptation of all cameras."""
        return f"{self.prefix}/adaptation"

    @property
    def commands(self) -> str:
        """The filter that matches the `adapt/set` topic of every camera."""
        return f"{self.prefix}/+/adapt/set"

    def of(self, camera: str, leaf: str) -> str:
        """Return a camera's topic: `available`, `motion`, `state`, `snapshot`, `event`, `adapt/state`, `adapt/set`."""
        return f"{self.prefix}/{camera}/{leaf}"


def availability(topic: str, *, online: bool) -> Message:
    """Return the retained `online` or `offline` of livesal or of one camera."""
    return Message(topic=topic, payload=ONLINE if online else OFFLINE, retain=True)


def motion_message(topics: Topics, camera: str, *, on: bool) -> Message:
    """Return `ON` while something stands out in a camera's picture, else `OFF`."""
    return Message(topic=topics.of(camera, "motion"), payload=ON if on else OFF)


def adapt_message(topics: Topics, camera: str, *, on: bool) -> Message:
    """Return the retained `ON` or `OFF` of a camera's adaptation."""
    return Message(topic=topics.of(camera, "adapt/state"), payload=ON if on else OFF, retain=True)


def snapshot_message(topics: Topics, camera: str, jpeg: bytes) -> Message:
    """Return a camera's picture."""
    return Message(topic=topics.of(camera, "snapshot"), payload=jpeg, qos=0)


def entity_message(topics: Topics, event: RegionEvent) -> Message:
    """Return a region's step on its camera's own topic, in the form of Home Assistant's event entity."""
    after = event.after
    content = {
        "event_type": event.type,
        "id": after.id,
        "box": after.box,
        "score": after.score,
        "start_time": after.start_time,
        "end_time": after.end_time,
    }
    payload = json.dumps(content, separators=(",", ":")).encode()
    return Message(topic=topics.of(after.camera, "event"), payload=payload, replaceable=False)


def event_message(topics: Topics, event: Event, form: EventFormat = "native") -> Message | None:
    """Return how `event` is told, or None for what only the state tells; `form` is that of events, not of states.

    A single keyframe is no message of its own: they come several a second, and the state counts them.
    """
    match event:
        case CameraState():
            payload = event_text(event).encode()
            return Message(topic=topics.of(event.camera, "state"), payload=payload, qos=0, retain=True)
        case AdaptationEvent(kind="keyframe"):
            return None
        case RegionEvent() | AdaptationEvent():
            topic = topics.events if isinstance(event, RegionEvent) else topics.adaptation
            return Message(topic=topic, payload=written(event, form).encode(), replaceable=False)


def read_command(topics: Topics, topic: str, payload: bytes, *, retained: bool) -> tuple[str, AdaptCommand]:
    """Return the camera and the command of a message that came in.

    Raises:
        ValueError: another topic, an unknown command, or a retained one that would be obeyed anew at each connect.
    """
    camera = topic.removeprefix(f"{topics.prefix}/").removesuffix("/adapt/set")
    if topic != topics.of(camera, "adapt/set"):
        message = f"'{topic}' takes no commands; '{topics.commands}' does"
        raise ValueError(message)
    text = payload.decode("utf-8", "replace").strip()
    command = _COMMANDS.get(text.upper())
    if command is None:
        message = f"'{topic}': unknown command {text[:_SHOWN]!r}; known are {', '.join(_COMMANDS)}"
        raise ValueError(message)
    if retained and command in _ONCE:
        message = f"'{topic}': {command} is obeyed once, so send it without the retain flag"
        raise ValueError(message)
    return camera, command
