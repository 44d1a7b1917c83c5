"""What the HTTP edge asks of the service behind it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from stream.channel import Channel
from stream.events import AdaptationEvent, CameraState, Event
from stream.inlet import Inlet

Command = Literal["reset", "force", "on", "off"]
"""What can be told to a camera's adaptation: back to the original, retrain now, adapt, do not adapt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyframeThumbnail:
    """A keyframe of the window, small.

    Attributes:
        id: number of the keyframe, rising.
        media_time: seconds.
        nr: its non-overlapping ratio, [0, 1].
        jpeg: the picture as a JPEG file.
    """

    id: int
    media_time: float
    nr: float
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelinePoint:
    """One frame on the timeline.

    Attributes:
        time: unix time.
        nr: non-overlapping ratio, [0, 1].
        is_keyframe: whether the frame is a keyframe.
        model_version: of the twin in service; 0 = the original.
    """

    time: float
    nr: float
    is_keyframe: bool
    model_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The last minutes of a camera.

    Attributes:
        threshold: a frame with a ratio below this is a keyframe.
        points: frames, oldest first; not every frame need be there, but every keyframe is.
        marks: steps of the adaptation, oldest first.
    """

    threshold: float
    points: Sequence[TimelinePoint]
    marks: Sequence[AdaptationEvent]


class Backend(Protocol):
    """The service, as HTTP sees it. All methods belong to the event loop and answer from memory."""

    def cameras(self) -> Sequence[CameraState]:
        """Return the state of every camera."""
        ...

    def camera(self, name: str) -> CameraState:
        """Return the state of one camera.

        Raises:
            UnknownNameError: there is none of that name.
        """
        ...

    def subscribe(self) -> AbstractAsyncContextManager[Channel[Event]]:
        """Give a channel of all events from now on, bounded, dropping the oldest; it closes with the service."""
        ...

    def recent_events(self) -> Sequence[Event]:
        """Return the last region and adaptation events, oldest first."""
        ...

    def ready(self) -> bool:
        """Return whether every network is loaded and frames can be served."""
        ...

    def keyframes(self, name: str) -> Sequence[KeyframeThumbnail]:
        """Return the keyframes in a camera's window, oldest first.

        Raises:
            UnknownNameError: there is no such camera.
        """
        ...

    def keyframe(self, name: str, number: int) -> KeyframeThumbnail | None:
        """Return one keyframe, also for a while after it left the window: who was told of it may still ask for it.

        Raises:
            UnknownNameError: there is no such camera.
        """
        ...

    def timeline(self, name: str) -> Timeline:
        """Return the last minutes of a camera.

        Raises:
            UnknownNameError: there is no such camera.
        """
        ...

    def inlet(self, name: str) -> Inlet | None:
        """Return where a camera's publisher comes in; None if the camera has another source.

        Raises:
            UnknownNameError: there is no such camera.
        """
        ...

    async def command(self, name: str, command: Command) -> None:
        """Tell a camera's adaptation what to do.

        Raises:
            UnknownNameError: there is no such camera.
        """
        ...
