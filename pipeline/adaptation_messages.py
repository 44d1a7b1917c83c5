"""What the adaptation's state machine hears and says: signals in, commands out. All times are stream seconds."""

from dataclasses import dataclass
from typing import Literal

from pipeline.guard import Judgement

Order = Literal["on", "off", "reset", "force"]
"""What a person may ask for."""


@dataclass(frozen=True, slots=True)
class FrameSeen:
    """A frame went through.

    Attributes:
        time: stream seconds.
        window: keyframes that are held.
        added: whether one of them is new.
        nr: of the frame; 1 = nothing was found in it.
        benefit: of the twin in service on the frame; None where it is no keyframe or no twin serves.
    """

    time: float
    window: int
    added: bool
    nr: float = 1.0
    benefit: float | None = None


@dataclass(frozen=True, slots=True)
class SceneChanged:
    """A new scene begins: what was learned belongs to another one."""

    time: float
    reason: str = "scene cut"


@dataclass(frozen=True, slots=True)
class RoundTrained:
    """A round's training is over; the twin is being judged."""

    time: float


@dataclass(frozen=True, slots=True)
class RoundJudged:
    """A twin was judged on held-out keyframes; if it is swapped in, it is `version`."""

    time: float
    judgement: Judgement
    version: int


@dataclass(frozen=True, slots=True)
class RoundFailed:
    """A round crashed, was killed, timed out, or its twin could not be served."""

    time: float
    reason: str


@dataclass(frozen=True, slots=True)
class NothingRemembered:
    """No earlier twin is of a scene that looks like this one."""

    time: float


@dataclass(frozen=True, slots=True)
class Ordered:
    """A person asked for something."""

    time: float
    order: Order


@dataclass(frozen=True, slots=True)
class Resumed:
    """A twin of an earlier run was put into service before the first frame, as `version`."""

    time: float
    version: int


Signal = Resumed | FrameSeen | SceneChanged | RoundTrained | RoundJudged | RoundFailed | NothingRemembered | Ordered


@dataclass(frozen=True, slots=True)
class StartRound:
    """Retrain on the window as it is now."""


@dataclass(frozen=True, slots=True)
class TryRemembered:
    """Judge the remembered twin whose scene looks most like this one, on the window as it is now."""


@dataclass(frozen=True, slots=True)
class CancelRound:
    """Kill the round or trial that is running; its result is not wanted."""


@dataclass(frozen=True, slots=True)
class InstallTwin:
    """Swap the judged twin in between two frames.

    Attributes:
        fallback: version to keep at hand for a roll-back; 0 = the original.
        remembered: whether the twin is an earlier scene's.
    """

    fallback: int
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class RejectTwin:
    """Throw the judged twin away, for the reason given."""

    reason: str


@dataclass(frozen=True, slots=True)
class ConfirmTwin:
    """The twin in service has proved itself: nothing is kept for a roll-back any more."""


@dataclass(frozen=True, slots=True)
class RollBack:
    """Take the twin out of service for good, and put `version` back in its place; 0 = the original."""

    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class RestoreOriginal:
    """Take the twin out of service and forget the window.

    Attributes:
        reason: in words.
        remember: whether the twin goes to the library, for the day its scene returns; else the library is emptied too.
    """

    reason: str
    remember: bool


@dataclass(frozen=True, slots=True)
class ReportFailure:
    """Tell of a failed round."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReportDegraded:
    """Tell that the budget of failures is used up."""

    reason: str


Command = (
    StartRound
    | TryRemembered
    | CancelRound
    | InstallTwin
    | RejectTwin
    | ConfirmTwin
    | RollBack
    | RestoreOriginal
    | ReportFailure
    | ReportDegraded
)
