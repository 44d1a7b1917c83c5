"""Whatever comes: long random sequences of signals against a model of the world that the commands act on."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from configs.guards import DriftSettings
from configs.method import AdaptationSettings
from pipeline.adaptation import BUSY, AdaptationState, advance, initial_state
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
from pipeline.guard import Judgement, objection

SETTINGS = AdaptationSettings(
    first_keyframes=2,
    new_keyframes=3,
    cool_down=4,
    failure_budget=2,
    failure_pause=20,
    drift=DriftSettings(probation=3, fall=0.3, settle=3, deviations=3),
)


@dataclass
class World:
    """What a camera's adaptation acts on, with the rules that no command may break.

    Attributes:
        running: what is under way: nothing, a round, or the trial of a remembered twin.
        serving: version in service, 0 = the original.
        held: versions that could be put into service again.
        issued: newest version.
        on: whether a person lets it adapt.
        proved: twins that proved themselves.
    """

    running: str = ""
    serving: int = 0
    held: set[int] = field(default_factory=lambda: {0})
    issued: int = 0
    on: bool = True
    proved: int = 0

    def obey(self, command: Command, signal: Signal) -> None:
        match command:
            case StartRound() | TryRemembered():
                assert not self.running, "one round at a time"
                assert self.on, "nothing starts while adaptation is off"
                assert isinstance(signal, FrameSeen)
                assert signal.window > 0, "there is something to learn from"
                self.running = "round" if isinstance(command, StartRound) else "trial"
            case CancelRound():
                assert self.running, "only what is running is cancelled"
                self.running = ""
            case InstallTwin(fallback=fallback, remembered=remembered):
                assert isinstance(signal, RoundJudged), "no swap without validation"
                assert objection(signal.judgement, SETTINGS.guard) is None, "nothing speaks against what is installed"
                assert self.running == ("trial" if remembered else "round")
                assert fallback in self.held
                self.running, self.serving = "", signal.version
                self.held = {0, fallback, signal.version}
            case RejectTwin(reason=reason):
                assert isinstance(signal, RoundJudged)
                assert reason == objection(signal.judgement, SETTINGS.guard)
                assert self.running
                self.running = ""
            case ConfirmTwin():
                assert self.serving, "only a twin in service proves itself"
                self.held = {0, self.serving}
                self.proved += 1
            case RollBack(version=version, reason=reason):
                assert self.serving
                assert version in self.held, "a roll-back returns to what is there"
                assert version != self.serving
                assert reason
                self.serving, self.held = version, {0, version}
            case RestoreOriginal(reason=reason):
                assert reason
                assert not self.running, "what was learned for the old scene is not waited for"
                self.serving, self.held = 0, {0}
            case ReportFailure():
                assert isinstance(signal, RoundFailed)
                assert self.running
                self.running = ""
            case ReportDegraded():
                assert not self.running

    def hear(self, signal: Signal, state: AdaptationState) -> None:
        """Take note of what signals themselves change."""
        match signal:
            case Ordered(order="off"):
                self.on = False
            case Ordered(order="on"):
                self.on = True
            case Resumed(version=version) if state.version == version and version not in self.held:
                self.serving, self.held = version, {0, version}
            case NothingRemembered() if self.running == "trial":
                self.running = ""
            case _:
                pass


FIGURES = st.sampled_from((0.0, 0.1, 0.2, 0.4, float("nan")))
JUDGEMENTS = st.builds(
    Judgement,
    error_before=FIGURES,
    error_after=FIGURES,
    flips_before=FIGURES,
    flips_after=st.just(0.0) | FIGURES,
    contradicted=st.just(0.0) | FIGURES,
)
MOMENT = st.just(0.0)
EVENTS: st.SearchStrategy[Signal] = st.one_of(
    st.builds(SceneChanged, MOMENT),
    st.builds(RoundTrained, MOMENT),
    st.builds(RoundJudged, MOMENT, JUDGEMENTS, st.just(0)),
    st.builds(RoundJudged, MOMENT, st.just(Judgement(error_before=0.4, error_after=0.2)), st.just(0)),
    st.builds(RoundFailed, MOMENT, st.just("killed")),
    st.builds(NothingRemembered, MOMENT),
    st.builds(Resumed, MOMENT, st.just(0)),
    st.builds(Ordered, MOMENT, st.sampled_from(("on", "off", "reset", "force"))),
)
RATIOS = st.sampled_from((0.2, 0.3, 0.5, 0.9, 1.0))
BENEFITS = st.sampled_from((None, 0.5, 0.1, 0.0, -0.3, -1.0))
RUNS = st.tuples(st.integers(1, 16), st.integers(0, 8), st.booleans(), RATIOS, BENEFITS)
"""Frames in a row: how many, keyframes held, whether each is one more, NR, benefit."""
STORIES = st.lists(st.tuples(EVENTS | RUNS, st.floats(0, 15)), min_size=5, max_size=40)


def signals_of(story: list[tuple[Signal | tuple, float]]) -> list[Signal]:
    """Return a story as signals in time: runs of frames are half a second apart."""
    now, signals = 0.0, []
    for one, pause in story:
        now += pause
        if isinstance(one, tuple):
            count, window, added, nr, benefit = one
            signals += [FrameSeen(now + k / 2, window, added, nr, benefit) for k in range(count)]
            now += count / 2
        else:
            signals.append(type(one)(now, *[getattr(one, name) for name in list(one.__slots__)[1:]]))
    return signals


def step(world: World, state: AdaptationState, signal: Signal) -> tuple[AdaptationState, Signal]:
    """Advance, and let the world obey; new twins get the next version, as the slot gives it."""
    if isinstance(signal, Resumed | RoundJudged):
        signal = (
            Resumed(signal.time, world.issued + 1)
            if isinstance(signal, Resumed)
            else RoundJudged(signal.time, signal.judgement, world.issued + 1)
        )
    after, commands = advance(state, signal, SETTINGS)
    for command in commands:
        world.obey(command, signal)
    world.hear(signal, after)
    world.issued = max(world.issued, after.version)
    return after, signal


@given(STORIES)
@settings(max_examples=150, deadline=None)
def test_no_command_comes_without_its_precondition(story: list[tuple[Signal | tuple, float]]) -> None:
    state, world = initial_state(SETTINGS), World()
    for signal in signals_of(story):
        before = state
        state, heard = step(world, state, signal)
        assert bool(world.running) == (state.phase in BUSY)
        assert state.recalling == (world.running == "trial")
        assert state.version == world.serving
        assert state.fallback in world.held
        assert (state.phase == "off") == (not world.on)
        assert state.phase not in ("serving", "warming") or (state.phase == "serving") == bool(state.version)
        assert 0 <= state.failures <= SETTINGS.failure_budget
        assert 0 <= state.roll_backs <= SETTINGS.failure_budget
        assert state.new_keyframes >= 0
        assert not state.on_probation or state.version
        begun = state.phase == "retraining" and before.phase not in BUSY
        assert not begun or before.forced or not (before.on_probation and state.on_probation)
        if isinstance(heard, FrameSeen) and before.phase == "degraded" and heard.time - (before.last_end or 0) >= 20:
            assert state.phase != "degraded", "degraded ends"
        if isinstance(heard, SceneChanged) or heard == Ordered(heard.time, "reset"):
            assert state.version == 0, "a reset leads to the original"


@given(STORIES)
@settings(max_examples=60, deadline=None)
def test_from_anywhere_good_rounds_lead_to_a_twin_that_proves_itself(story: list[tuple[Signal | tuple, float]]) -> None:
    state, world = initial_state(SETTINGS), World()
    signals = signals_of(story)
    now = signals[-1].time + 100
    for signal in signals:
        state, _ = step(world, state, signal)
    proved = world.proved
    state, _ = step(world, state, Ordered(now, "on"))
    for second in range(60):
        if state.phase in BUSY:
            good = Judgement(error_before=0.4, error_after=0.2)
            state, _ = step(world, state, RoundJudged(now + second, good, 0))
        state, _ = step(world, state, FrameSeen(now + second, 5, added=True, nr=0.2, benefit=0.5))
    assert state.version > 0
    assert world.proved > proved
