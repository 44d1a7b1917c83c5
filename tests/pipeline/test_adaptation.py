from hypothesis import given
from hypothesis import strategies as st

from configs.method import AdaptationSettings
from pipeline.adaptation import (
    BUSY,
    AdaptationState,
    CancelRound,
    FrameSeen,
    InstallTwin,
    Ordered,
    RejectTwin,
    ReportFailure,
    RestoreOriginal,
    RoundFailed,
    RoundJudged,
    RoundTrained,
    SceneChanged,
    Signal,
    StartRound,
    advance,
    initial_state,
)

SETTINGS = AdaptationSettings(first_keyframes=2, new_keyframes=3, cool_down=10, failure_budget=2, failure_pause=30)


def run(state: AdaptationState, *signals: Signal) -> tuple[AdaptationState, list[object]]:
    commands: list[object] = []
    for signal in signals:
        state, told = advance(state, signal, SETTINGS)
        commands += told
    return state, commands


def busy() -> AdaptationState:
    state, _ = run(initial_state(SETTINGS), FrameSeen(0, 1, added=True), FrameSeen(1, 2, added=True))
    return state


def test_the_first_round_starts_with_the_first_keyframes() -> None:
    state, commands = run(initial_state(SETTINGS), FrameSeen(0, 1, added=True))
    assert (state.phase, commands) == ("warming", [])
    state, commands = run(state, FrameSeen(1, 2, added=True))
    assert (state.phase, commands) == ("retraining", [StartRound()])


def test_a_better_twin_is_installed_and_a_worse_one_rejected() -> None:
    state, commands = run(busy(), RoundTrained(2), RoundJudged(3, 0.5, 0.4, 1))
    assert (state.phase, state.version, commands) == ("serving", 1, [InstallTwin()])
    state, commands = run(busy(), RoundTrained(2), RoundJudged(3, 0.5, 0.5, 1))
    assert (state.phase, state.version) == ("warming", 0)
    assert isinstance(commands[0], RejectTwin)


def test_a_diverged_twin_is_rejected() -> None:
    _, commands = run(busy(), RoundJudged(3, 0.5, float("nan"), 1))
    assert isinstance(commands[0], RejectTwin)


def test_the_next_round_waits_for_new_keyframes_and_the_cool_down() -> None:
    state, _ = run(busy(), RoundJudged(3, 0.5, 0.4, 1))
    state, commands = run(state, *(FrameSeen(4 + i, 5, added=True) for i in range(4)))
    assert commands == [], "cool-down"
    _, commands = run(state, FrameSeen(13, 5, added=False))
    assert commands == [StartRound()]


def test_a_scene_cut_kills_the_round_and_restores_the_original() -> None:
    state, commands = run(busy(), SceneChanged(2))
    assert commands == [CancelRound(), RestoreOriginal("scene cut")]
    assert state == AdaptationState(phase="warming")


def test_failures_use_up_the_budget_and_a_pause_gives_one_more_try() -> None:
    state, commands = run(busy(), RoundFailed(2, "killed"))
    assert (state.phase, commands) == ("warming", [ReportFailure("killed", degraded=False)])
    state, _ = run(state, *(FrameSeen(12 + i, 9, added=True) for i in range(3)))
    assert state.phase == "retraining"
    state, commands = run(state, RoundFailed(20, "killed"))
    assert (state.phase, commands) == ("degraded", [ReportFailure("killed", degraded=True)])
    state, commands = run(state, *(FrameSeen(21 + i, 9, added=True) for i in range(5)))
    assert commands == []
    state, commands = run(state, FrameSeen(50, 9, added=False))
    assert commands == [StartRound()]
    state, _ = run(state, RoundFailed(51, "killed"))
    assert state.phase == "degraded"


def test_orders() -> None:
    state, commands = run(busy(), Ordered(2, "off"))
    assert (state.phase, commands) == ("off", [CancelRound()])
    state, commands = run(state, *(FrameSeen(3 + i, 9, added=True) for i in range(9)))
    assert commands == []
    state, _ = run(state, Ordered(20, "on"))
    assert state.phase == "warming"
    _, commands = run(initial_state(SETTINGS), Ordered(0, "force"), FrameSeen(0, 1, added=True))
    assert commands == [StartRound()]
    _, commands = run(initial_state(SETTINGS), Ordered(0, "reset"))
    assert commands == [RestoreOriginal("asked for")]


def signals() -> st.SearchStrategy[list[Signal]]:
    time = st.just(0.0)
    one: st.SearchStrategy[Signal] = st.one_of(
        st.builds(FrameSeen, time, st.integers(0, 40), st.booleans()),
        st.builds(SceneChanged, time),
        st.builds(RoundTrained, time),
        st.builds(RoundJudged, time, st.floats(0, 1), st.floats(0, 1, allow_nan=False), st.integers(1, 9)),
        st.builds(RoundFailed, time, st.just("x")),
        st.builds(Ordered, time, st.sampled_from(("on", "off", "reset", "force"))),
    )
    return st.lists(st.tuples(one, st.floats(0, 20)), max_size=120).map(_in_order)


def _in_order(pairs: list[tuple[Signal, float]]) -> list[Signal]:
    now = 0.0
    ordered: list[Signal] = []
    for signal, step in pairs:
        now += step
        ordered.append(type(signal)(now, *[getattr(signal, name) for name in list(signal.__slots__)[1:]]))
    return ordered


@given(signals())
def test_whatever_comes_the_rules_hold(sequence: list[Signal]) -> None:
    state = initial_state(SETTINGS)
    running = False
    for signal in sequence:
        before = state
        state, commands = advance(state, signal, SETTINGS)
        for command in commands:
            match command:
                case StartRound():
                    assert not running, "one round at a time"
                    running = True
                case CancelRound():
                    assert running, "only a running round is cancelled"
                    running = False
                case InstallTwin():
                    assert isinstance(signal, RoundJudged)
                    assert signal.error_after < signal.error_before, "only a better twin is installed"
                case RestoreOriginal():
                    assert state.version == 0
                case RejectTwin() | ReportFailure():
                    assert state.version == before.version, "what serves goes on serving"
        if isinstance(signal, RoundJudged | RoundFailed):
            running = False
        assert running == (state.phase in BUSY)
        assert state.failures <= SETTINGS.failure_budget
