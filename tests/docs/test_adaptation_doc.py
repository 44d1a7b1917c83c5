"""The figure of the state machine in docs/adaptation.md shows what the state machine does, no more and no less."""

import re
from pathlib import Path

from configs.guards import DriftSettings
from configs.method import AdaptationSettings
from pipeline.adaptation import AdaptationState, advance, initial_state
from pipeline.adaptation_messages import (
    FrameSeen,
    NothingRemembered,
    Ordered,
    Resumed,
    RoundFailed,
    RoundJudged,
    RoundTrained,
    SceneChanged,
    Signal,
)
from pipeline.guard import Judgement

DOCUMENT = Path(__file__).parents[2] / "docs" / "adaptation.md"
EDGE = re.compile(r"^    (\w+) --> (\w+): (.+)$", re.MULTILINE)
SETTINGS = AdaptationSettings(
    first_keyframes=2,
    new_keyframes=2,
    cool_down=1,
    failure_budget=2,
    failure_pause=5,
    drift=DriftSettings(probation=2, fall=0.3, settle=3, deviations=3),
)

Edge = tuple[str, str, str]


def signals_at(now: float, state: AdaptationState) -> list[Signal]:
    """Return every kind of signal that may come; frames with good and with bad live statistics."""
    twin = state.version + 1
    frames = [FrameSeen(now, 5, added=True, nr=0.2, benefit=benefit) for benefit in (None, 0.5, -1.0)]
    good, bad = (Judgement(error_before=0.3, error_after=after) for after in (0.2, 0.4))
    orders = [Ordered(now, order) for order in ("on", "off", "reset", "force")]
    return [
        *frames,
        RoundJudged(now, good, twin),
        RoundJudged(now, bad, twin),
        RoundFailed(now, "killed"),
        RoundTrained(now),
        NothingRemembered(now),
        SceneChanged(now),
        *([Resumed(now, twin)] if state == initial_state(SETTINGS) else []),
        *orders,
    ]


def essence(state: AdaptationState, now: float) -> tuple[object, ...]:
    """Return what tells states apart, as far as the next changes of phase depend on it."""
    waited = -1 if state.last_end is None else min(int(now - state.last_end), 6)
    counts = (state.failures, state.roll_backs, min(state.new_keyframes, 2), waited)
    flags = (bool(state.version), bool(state.fallback), state.on_probation, state.forced, state.recall_due)
    running = state.live.benefit_bin
    live = (min(state.live.benefit.count, 2), state.live.fall > 0, running.begins is None, running.total < 0)
    return (state.phase, state.recalling, *counts, *flags, *live)


def all_edges() -> set[Edge]:
    """Return the changes of phase in everything that can be reached: from, to, and the signal's name or order."""
    edges: set[Edge] = set()
    start = initial_state(SETTINGS)
    known, ahead = {essence(start, 0.0)}, [(start, 0.0)]
    while ahead:
        state, now = ahead.pop()
        for later in (now + 0.4, now + 1.2, now + 6.0):
            for signal in signals_at(later, state):
                after, _ = advance(state, signal, SETTINGS)
                if after.phase != state.phase:
                    name = f"{signal.order} ordered" if isinstance(signal, Ordered) else type(signal).__name__
                    edges.add((state.phase, after.phase, name))
                if (key := essence(after, later)) not in known:
                    known.add(key)
                    ahead.append((after, later))
    return edges


def test_the_figure_shows_every_change_of_phase_and_no_other() -> None:
    found = EDGE.findall(DOCUMENT.read_text(encoding="utf-8"))
    shown = {(start, end, label) for start, end, labels in found for label in labels.split(", ")}
    assert shown == all_edges()
