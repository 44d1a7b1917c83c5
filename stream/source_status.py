"""How a source is doing: a record that it keeps, and the snapshot of it that others see."""

from collections import Counter
from dataclasses import dataclass, field

from stream.events import SourceState


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """A source at a glance.

    Attributes:
        state: connecting, up, down (a lost camera that is being called again) or ended.
        width: of the newest frame in pixels; 0 before the first.
        height: likewise.
        frame_rate: nominal frames per second; 0 where it is unknown.
        frames: frames sent on.
        dropped: frames lost, by reason: "late" (older than the frame-age budget), "overflow" (replaced by a newer one
            before it was taken), "corrupt" (could not be decoded), "budget" (beyond `fps_limit`).
        attempts: how often it was opened, or tried to.
        reconnects: how often frames came back after they had been lost.
        hung: how often it went silent without an end.
        error: what is or was wrong, without credentials; empty if nothing is.
    """

    state: SourceState = "connecting"
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    frames: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    reconnects: int = 0
    hung: int = 0
    error: str = ""


class SourceRecord:
    """The figures behind a status. Each is written by one thread only."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self.state: SourceState = "connecting"
        self.size: tuple[int, int] = (0, 0)
        self.frame_rate = 0.0
        self.frames = 0
        self.dropped: Counter[str] = Counter()
        self.attempts = 0
        self.reconnects = 0
        self.hung = 0
        self.error = ""

    def snapshot(self) -> SourceStatus:
        """Return the figures as they are now."""
        return SourceStatus(
            state=self.state,
            width=self.size[1],
            height=self.size[0],
            frame_rate=self.frame_rate,
            frames=self.frames,
            dropped={reason: count for reason, count in self.dropped.items() if count},
            attempts=self.attempts,
            reconnects=self.reconnects,
            hung=self.hung,
            error=self.error,
        )
