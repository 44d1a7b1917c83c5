"""When the twin is retrained, judged, swapped in, taken back and thrown away: a pure state machine.

`advance(state, signal, settings)` returns the next state and the commands to carry out. Times are seconds on the
stream's clock, which never runs backwards; nothing here looks at a clock, a network or a file. `docs/adaptation.md`
shows the phases and what leads from one to another.
"""

from dataclasses import dataclass, field, replace

from configs.method import AdaptationSettings
from pipeline.adaptation_messages import (
    CancelRound,
    Command,
    ConfirmTwin,
    FrameSeen,
    InstallTwin,
    NothingRemembered,
    Ordered,
    RejectTwin,
    ReportDegraded,
    ReportFailure,
    RestoreOriginal,
    Resumed,
    RollBack,
    RoundFailed,
    RoundJudged,
    RoundTrained,
    SceneChanged,
    Signal,
    StartRound,
    TryRemembered,
)
from pipeline.drift import Live, observe, swapped
from pipeline.guard import objection
from stream.events import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptationState:
    """All that the next decision depends on.

    Attributes:
        phase: what is going on.
        new_keyframes: keyframes since the last round started.
        last_end: when the last round ended; None before the first.
        failures: rounds that failed in a row.
        roll_backs: twins rolled back since the last that proved itself.
        version: of the twin in service, 0 = none.
        fallback: version that a roll-back returns to, 0 = the original.
        on_probation: whether the twin in service may still be rolled back.
        forced: whether the next round starts as soon as there is any keyframe.
        recall_due: whether the scene is new, and a remembered twin may belong to it.
        recalling: whether what is being validated is a remembered twin.
        live: statistics of the twin in service and of the scene.
    """

    phase: Phase = "warming"
    new_keyframes: int = 0
    last_end: float | None = None
    failures: int = 0
    roll_backs: int = 0
    version: int = 0
    fallback: int = 0
    on_probation: bool = False
    forced: bool = False
    recall_due: bool = True
    recalling: bool = False
    live: Live = field(default_factory=Live)


Step = tuple[AdaptationState, tuple[Command, ...]]

BUSY: tuple[Phase, ...] = ("retraining", "validating")
"""Phases in which a round, or the trial of a remembered twin, is running."""


def initial_state(settings: AdaptationSettings) -> AdaptationState:
    """Return the state to begin with."""
    return AdaptationState(phase="warming" if settings.enabled else "off")


def advance(state: AdaptationState, signal: Signal, settings: AdaptationSettings) -> Step:
    """Return what follows from `signal` in `state`: the next state and the commands to carry out, in order."""
    match signal:
        case FrameSeen():
            return _frame_seen(state, signal, settings)
        case SceneChanged():
            return _start_again(state, signal.reason, remember=True)
        case Resumed() | RoundTrained() | NothingRemembered():
            return _taken_note(state, signal, settings), ()
        case RoundJudged():
            return _judged(state, signal, settings)
        case RoundFailed():
            return _failed(state, signal, settings)
        case Ordered():
            return _ordered(state, signal)


def _frame_seen(state: AdaptationState, signal: FrameSeen, settings: AdaptationSettings) -> Step:
    state = replace(state, new_keyframes=state.new_keyframes + signal.added)
    told: tuple[Command, ...] = ()
    if state.version:
        live, alarm = observe(state.live, signal.time, signal.nr, signal.benefit, settings.drift)
        state = replace(state, live=live)
        if alarm is not None and alarm.of_twin and state.on_probation:
            return _rolled_back(state, signal.time, alarm.reason, settings)
        if alarm is not None:
            return _start_again(state, alarm.reason, remember=True)
        if state.on_probation and live.benefit.count >= settings.drift.probation:
            state, told = replace(_proved(state), roll_backs=0), (ConfirmTwin(),)
    if state.phase == "degraded":
        if state.last_end is not None and signal.time - state.last_end < settings.failure_pause:
            return state, told
        most = settings.failure_budget - 1
        state = _rest(replace(state, failures=min(state.failures, most), roll_backs=min(state.roll_backs, most)))
    if state.phase == "warming" and _may_recall(state, signal, settings):
        return replace(state, phase="validating", recall_due=False, recalling=True), (*told, TryRemembered())
    if state.phase not in ("warming", "serving") or not _is_due(state, signal, settings):
        return state, told
    return replace(state, phase="retraining", new_keyframes=0, forced=False), (*told, StartRound())


def _may_recall(state: AdaptationState, signal: FrameSeen, settings: AdaptationSettings) -> bool:
    wanted = state.recall_due and not state.forced and settings.library.capacity > 0
    return wanted and signal.window >= settings.library.keyframes


def _is_due(state: AdaptationState, signal: FrameSeen, settings: AdaptationSettings) -> bool:
    if state.forced:
        return signal.window > 0
    if state.on_probation:
        return False
    wanted = settings.first_keyframes if state.last_end is None else settings.new_keyframes
    rested = state.last_end is None or signal.time - state.last_end >= settings.cool_down
    return rested and signal.window >= min(wanted, settings.window.capacity) and state.new_keyframes >= wanted


def _taken_note(
    state: AdaptationState, signal: Resumed | RoundTrained | NothingRemembered, settings: AdaptationSettings
) -> AdaptationState:
    """Return what follows from a signal that asks for nothing."""
    match signal:
        case Resumed():
            if state.phase != "warming" or state.version:
                return state
            state = replace(state, last_end=signal.time, recall_due=False)
            return _rest(_with_twin(state, signal.version, 0, 0.0, settings))
        case RoundTrained():
            return replace(state, phase="validating") if state.phase == "retraining" else state
        case NothingRemembered():
            return _rest(replace(state, recalling=False)) if state.recalling else state


def _judged(state: AdaptationState, signal: RoundJudged, settings: AdaptationSettings) -> Step:
    if state.phase not in BUSY:
        return state, ()
    recalled = state.recalling
    reason = objection(signal.judgement, settings.guard)
    state = replace(state, failures=0, recalling=False, last_end=state.last_end if recalled else signal.time)
    if reason is not None:
        return _rest(state), (RejectTwin(reason),)
    # what has not proved itself is nothing to fall back on: what was there before it still is
    fallback = state.fallback if state.on_probation else state.version
    reference = state.live.reference if state.on_probation or not state.version else state.live.benefit.mean
    state = _with_twin(state, signal.version, fallback, max(reference, 0.0), settings)
    return _rest(replace(state, recall_due=False)), (InstallTwin(state.fallback, remembered=recalled),)


def _failed(state: AdaptationState, signal: RoundFailed, settings: AdaptationSettings) -> Step:
    if state.phase not in BUSY:
        return state, ()
    state = replace(state, failures=state.failures + 1, last_end=signal.time, recalling=False)
    return _within_budget(_rest(state), signal.reason, (ReportFailure(signal.reason),), settings)


def _rolled_back(state: AdaptationState, time: float, reason: str, settings: AdaptationSettings) -> Step:
    """Return to what served before the twin; the window stays, but the next round waits for new keyframes."""
    version = state.fallback
    commands = (*_stop(state), RollBack(version, reason))
    state = replace(
        _proved(state),
        version=version,
        new_keyframes=0,
        last_end=time,
        roll_backs=min(state.roll_backs + 1, settings.failure_budget),
        recalling=False,
        live=swapped(state.live, 0.0),
    )
    if state.phase in ("off", "degraded"):
        return state, commands
    return _within_budget(_rest(state), reason, commands, settings)


def _within_budget(
    state: AdaptationState, reason: str, commands: tuple[Command, ...], settings: AdaptationSettings
) -> Step:
    """Degrade where the budget of failures is used up."""
    if max(state.failures, state.roll_backs) < settings.failure_budget:
        return state, commands
    return replace(state, phase="degraded"), (*commands, ReportDegraded(reason))


def _ordered(state: AdaptationState, signal: Ordered) -> Step:
    match signal.order:
        case "off":
            return replace(state, phase="off", forced=False, recalling=False), _stop(state)
        case "on":
            return (_rest(replace(state, failures=0, roll_backs=0)) if state.phase == "off" else state), ()
        case "force":
            forced = replace(state, forced=state.phase not in ("off", *BUSY), failures=0, roll_backs=0)
            return (_rest(forced), ()) if state.phase == "degraded" else (forced, ())
        case "reset":
            return _start_again(state, "asked for", remember=False)


def _start_again(state: AdaptationState, reason: str, *, remember: bool) -> Step:
    """Return to the original weights and an empty window; a new scene owes nothing to the last one's cool-down."""
    kept: Phase = state.phase if state.phase in ("off", "degraded") else "warming"
    fresh = AdaptationState(
        phase=kept,
        last_end=state.last_end if kept == "degraded" else None,
        failures=state.failures,
        roll_backs=state.roll_backs,
        recall_due=remember,
    )
    return fresh, (*_stop(state), RestoreOriginal(reason, remember))


def _with_twin(
    state: AdaptationState, version: int, fallback: int, reference: float, settings: AdaptationSettings
) -> AdaptationState:
    """Return `state` with the twin `version` in service; it is on probation where twins are."""
    trying = settings.drift.enabled and settings.drift.probation > 0
    return replace(
        state,
        version=version,
        fallback=fallback if trying else 0,
        on_probation=trying,
        live=swapped(state.live, reference if trying else 0.0),
    )


def _proved(state: AdaptationState) -> AdaptationState:
    """Return `state` with a twin that is measured by the original from now on."""
    return replace(state, fallback=0, on_probation=False, live=replace(state.live, reference=0.0, fall=0.0))


def _stop(state: AdaptationState) -> tuple[Command, ...]:
    return (CancelRound(),) if state.phase in BUSY else ()


def _rest(state: AdaptationState) -> AdaptationState:
    """Return `state` in the phase between rounds."""
    return replace(state, phase="serving" if state.version else "warming")
