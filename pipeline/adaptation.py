"""When the twin is retrained, judged, swapped in and thrown away: a pure state machine.

`advance(state, signal, settings)` returns the next state and the commands to carry out. Times are seconds on the
stream's clock, which never runs backwards; nothing here looks at a clock, a network or a file.
"""

from dataclasses import dataclass, replace
from typing import Literal

from configs.method import AdaptationSettings
from stream.events import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptationState:
    """All that the next decision depends on.

    Attributes:
        phase: what is going on.
        new_keyframes: keyframes since the last round started.
        last_end: when the last round ended; None before the first.
        failures: rounds that failed in a row.
        version: of the twin in service, 0 = none.
        forced: whether the next round starts as soon as there is any keyframe.
    """

    phase: Phase = "warming"
    new_keyframes: int = 0
    last_end: float | None = None
    failures: int = 0
    version: int = 0
    forced: bool = False


@dataclass(frozen=True, slots=True)
class FrameSeen:
    """A frame went through; `window` keyframes are held, and one of them is new if `added`."""

    time: float
    window: int
    added: bool


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
    """A twin was judged on held-out keyframes: its error there, and that of the weights in service."""

    time: float
    error_before: float
    error_after: float
    version: int


@dataclass(frozen=True, slots=True)
class RoundFailed:
    """A round crashed, was killed, timed out, or its twin could not be served."""

    time: float
    reason: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """A person asked for something."""

    time: float
    order: Literal["on", "off", "reset", "force"]


@dataclass(frozen=True, slots=True)
class Resumed:
    """A twin of an earlier run was put into service before the first frame, as `version`."""

    time: float
    version: int


Signal = Resumed | FrameSeen | SceneChanged | RoundTrained | RoundJudged | RoundFailed | Ordered


@dataclass(frozen=True, slots=True)
class StartRound:
    """Retrain on the window as it is now."""


@dataclass(frozen=True, slots=True)
class CancelRound:
    """Kill the round that is running; its result is not wanted."""


@dataclass(frozen=True, slots=True)
class InstallTwin:
    """Swap the judged twin in between two frames."""


@dataclass(frozen=True, slots=True)
class RejectTwin:
    """Throw the judged twin away, for the reason given."""

    reason: str


@dataclass(frozen=True, slots=True)
class RestoreOriginal:
    """Take the twin out of service and forget the window."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReportFailure:
    """Tell of a failed round; `degraded` if the budget of failures is used up."""

    reason: str
    degraded: bool


Command = StartRound | CancelRound | InstallTwin | RejectTwin | RestoreOriginal | ReportFailure

BUSY: tuple[Phase, ...] = ("retraining", "validating")
"""Phases in which a round is running."""


def initial_state(settings: AdaptationSettings) -> AdaptationState:
    """Return the state to begin with."""
    return AdaptationState(phase="warming" if settings.enabled else "off")


def advance(
    state: AdaptationState, signal: Signal, settings: AdaptationSettings
) -> tuple[AdaptationState, tuple[Command, ...]]:
    """Return what follows from `signal` in `state`: the next state and the commands to carry out, in order."""
    match signal:
        case FrameSeen():
            return _frame_seen(state, signal, settings)
        case SceneChanged():
            return _start_again(state, signal.reason)
        case Resumed() | RoundTrained():
            return _taken_note(state, signal), ()
        case RoundJudged():
            return _judged(state, signal)
        case RoundFailed():
            return _failed(state, signal, settings)
        case Ordered():
            return _ordered(state, signal)


def _frame_seen(
    state: AdaptationState, signal: FrameSeen, settings: AdaptationSettings
) -> tuple[AdaptationState, tuple[Command, ...]]:
    state = replace(state, new_keyframes=state.new_keyframes + signal.added)
    if state.phase == "degraded":
        if state.last_end is not None and signal.time - state.last_end < settings.failure_pause:
            return state, ()
        state = _rest(replace(state, failures=settings.failure_budget - 1))
    if state.phase not in ("warming", "serving") or not _is_due(state, signal, settings):
        return state, ()
    return replace(state, phase="retraining", new_keyframes=0, forced=False), (StartRound(),)


def _is_due(state: AdaptationState, signal: FrameSeen, settings: AdaptationSettings) -> bool:
    if state.forced:
        return signal.window > 0
    wanted = settings.first_keyframes if state.last_end is None else settings.new_keyframes
    rested = state.last_end is None or signal.time - state.last_end >= settings.cool_down
    return rested and signal.window >= min(wanted, settings.window.capacity) and state.new_keyframes >= wanted


def _taken_note(state: AdaptationState, signal: Resumed | RoundTrained) -> AdaptationState:
    """Return what follows from a signal that asks for nothing."""
    if isinstance(signal, Resumed):
        return _rest(replace(state, version=signal.version, last_end=signal.time))
    return replace(state, phase="validating") if state.phase == "retraining" else state


def _judged(state: AdaptationState, signal: RoundJudged) -> tuple[AdaptationState, tuple[Command, ...]]:
    if state.phase not in BUSY:
        return state, ()
    state = replace(state, last_end=signal.time, failures=0)
    if signal.error_after < signal.error_before:
        return _rest(replace(state, version=signal.version)), (InstallTwin(),)
    reason = f"held-out error {signal.error_after:.4g} is not below {signal.error_before:.4g}"
    return _rest(state), (RejectTwin(reason),)


def _failed(
    state: AdaptationState, signal: RoundFailed, settings: AdaptationSettings
) -> tuple[AdaptationState, tuple[Command, ...]]:
    if state.phase not in BUSY:
        return state, ()
    failures = state.failures + 1
    degraded = failures >= settings.failure_budget
    state = replace(state, failures=failures, last_end=signal.time)
    state = replace(state, phase="degraded") if degraded else _rest(state)
    return state, (ReportFailure(signal.reason, degraded),)


def _ordered(state: AdaptationState, signal: Ordered) -> tuple[AdaptationState, tuple[Command, ...]]:
    stop: tuple[Command, ...] = (CancelRound(),) if state.phase in BUSY else ()
    match signal.order:
        case "off":
            return replace(state, phase="off", forced=False), stop
        case "on":
            return (_rest(state), ()) if state.phase == "off" else (state, ())
        case "force":
            forced = replace(state, forced=state.phase not in ("off", *BUSY), failures=0)
            return (_rest(forced), ()) if state.phase == "degraded" else (forced, ())
        case "reset":
            return _start_again(state, "asked for")


def _start_again(state: AdaptationState, reason: str) -> tuple[AdaptationState, tuple[Command, ...]]:
    """Return to the original weights and an empty window; a new scene owes nothing to the last one's cool-down."""
    if state.phase == "off":
        return replace(state, version=0, new_keyframes=0), (RestoreOriginal(reason),)
    stop: tuple[Command, ...] = (CancelRound(),) if state.phase in BUSY else ()
    phase: Phase = "degraded" if state.phase == "degraded" else "warming"
    last_end = state.last_end if phase == "degraded" else None
    fresh = AdaptationState(phase=phase, last_end=last_end, failures=state.failures)
    return fresh, (*stop, RestoreOriginal(reason))


def _rest(state: AdaptationState) -> AdaptationState:
    """Return `state` in the phase between rounds."""
    return replace(state, phase="serving" if state.version else "warming")
