"""What MQTT says of one camera: when a state is due, when motion is over. Pure but for what it remembers."""

import math

from configs.events import EventFormat
from configs.output import MqttSettings
from stream.events import AdaptationEvent, CameraState, RegionEvent
from stream.mqtt_topics import (
    Message,
    Topics,
    adapt_message,
    availability,
    entity_message,
    event_message,
    motion_message,
)


class CameraDesk:
    """Turns the events of one camera into messages.

    Times are seconds of one monotonic clock, given by the caller.

    Attributes:
        camera: its name.
        state: the newest; None before the first.
        motion: whether something stands out, or did less than the hold-off ago.
    """

    def __init__(self, camera: str, topics: Topics, settings: MqttSettings) -> None:
        """Make the desk of a camera of which nothing is known yet.

        Args:
            camera: its name.
            topics: the topic tree.
            settings: how often states are told, when motion is over, and how events are written.
        """
        self.camera = camera
        self.state: CameraState | None = None
        self.motion = False
        self._topics = topics
        self._state_interval = settings.state_interval
        self._motion_hold = settings.motion_hold
        self._form: EventFormat = settings.format
        self._state_due: float | None = None
        self._state_told = -math.inf
        self._motion_ends: float | None = None
        self._regions: set[str] = set()
        self._pictured = 0

    @property
    def online(self) -> bool:
        """Whether the camera's frames are coming."""
        return self.state is not None and self.state.source == "up"

    @property
    def adapting(self) -> bool:
        """Whether the camera's adaptation is on."""
        return self.state is not None and self.state.phase != "off"

    @property
    def due(self) -> float:
        """When `tick` has something to say next; infinite if never."""
        return min((time for time in (self._state_due, self._motion_ends) if time is not None), default=math.inf)

    def tell(self, event: RegionEvent | AdaptationEvent | CameraState, now: float) -> list[Message]:
        """Return what `event` makes livesal publish at once."""
        match event:
            case CameraState():
                return self._tell_state(event, now)
            case RegionEvent():
                return self._tell_region(event, now)
            case AdaptationEvent():
                message = event_message(self._topics, event, self._form)
                return [message] if message else []

    def tick(self, now: float) -> list[Message]:
        """Return what has become due: a state that had to wait, the end of motion."""
        messages = []
        if self._state_due is not None and now >= self._state_due:
            messages += self._newest_state(now)
        if self._motion_ends is not None and now >= self._motion_ends:
            self._motion_ends = None
            self.motion = False
            messages.append(motion_message(self._topics, self.camera, on=False))
        return messages

    def everything(self, now: float) -> list[Message]:
        """Return all that a broker has to know after a connect."""
        return [
            *self._newest_state(now),
            motion_message(self._topics, self.camera, on=self.motion),
            adapt_message(self._topics, self.camera, on=self.adapting),
            availability(self._topics.of(self.camera, "available"), online=self.online),
        ]

    def wants_snapshot(self) -> bool:
        """Return whether frames came since this was last asked."""
        frames = self.state.frames if self.state else 0
        fresh = self.online and frames != self._pictured
        self._pictured = frames
        return fresh

    def _tell_state(self, state: CameraState, now: float) -> list[Message]:
        online, adapting = self.online, self.adapting
        self.state = state
        messages = []
        if self.online != online:
            messages.append(availability(self._topics.of(self.camera, "available"), online=self.online))
        if self.adapting != adapting:
            messages.append(adapt_message(self._topics, self.camera, on=self.adapting))
        if not self.online:
            self._regions.clear()
            self._hold_motion(now)
        self._state_due = max(now, self._state_told + self._state_interval)
        return messages + self.tick(now)

    def _tell_region(self, event: RegionEvent, now: float) -> list[Message]:
        message = event_message(self._topics, event, self._form)
        messages = [message, entity_message(self._topics, event)] if message else []
        if event.type == "end":
            self._regions.discard(event.after.id)
            self._hold_motion(now)
        else:
            self._regions.add(event.after.id)
            self._motion_ends = None
            if not self.motion:
                self.motion = True
                messages.append(motion_message(self._topics, self.camera, on=True))
        return messages

    def _hold_motion(self, now: float) -> None:
        """Let motion end after the hold-off, if it is on and nothing stands out any more."""
        if self.motion and not self._regions and self._motion_ends is None:
            self._motion_ends = now + self._motion_hold

    def _newest_state(self, now: float) -> list[Message]:
        message = event_message(self._topics, self.state) if self.state else None
        if message is None:
            return []
        self._state_due = None
        self._state_told = now
        return [message]
