from dataclasses import replace

from configs.guards import DriftSettings
from configs.method import AdaptationSettings
from pipeline.adaptation import AdaptationState, advance, initial_state
from pipeline.adaptation_messages import (
    CancelRound,
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
from tests.fakes.adaptation import judged

SETTINGS = AdaptationSettings(
    first_keyframes=2,
    new_keyframes=3,
    cool_down=10,
    failure_budget=2,
    failure_pause=30,
    drift=DriftSettings(probation=4, slack=0.05, fall=0.5, settle=5, deviations=6),
)


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
    state, commands = run(busy(), RoundTrained(2), RoundJudged(3, judged(0.5, 0.4), 1))
    assert (state.phase, state.version, commands) == ("serving", 1, [InstallTwin(0)])
    state, commands = run(busy(), RoundTrained(2), RoundJudged(3, judged(0.5, 0.5), 1))
    assert (state.phase, state.version) == ("warming", 0)
    assert isinstance(commands[0], RejectTwin)


def test_a_diverged_twin_is_rejected() -> None:
    _, commands = run(busy(), RoundJudged(3, judged(0.5, float("nan")), 1))
    assert isinstance(commands[0], RejectTwin)


def test_the_next_round_waits_for_new_keyframes_and_the_cool_down() -> None:
    state, _ = run(busy(), RoundJudged(3, judged(0.5, 0.5), 1), NothingRemembered(3))
    state = replace(state, recall_due=False)
    state, commands = run(state, *(FrameSeen(4 + i, 5, added=True) for i in range(4)))
    assert commands == [], "cool-down"
    _, commands = run(state, FrameSeen(13, 5, added=False))
    assert commands == [StartRound()]


def test_a_scene_cut_kills_the_round_and_restores_the_original() -> None:
    state, commands = run(busy(), SceneChanged(2))
    assert commands == [CancelRound(), RestoreOriginal("scene cut", remember=True)]
    assert state == AdaptationState(phase="warming", recall_due=True)


def test_failures_use_up_the_budget_and_a_pause_gives_one_more_try() -> None:
    state, commands = run(busy(), RoundFailed(2, "killed"))
    assert (state.phase, commands) == ("warming", [ReportFailure("killed")])
    state, _ = run(state, *(FrameSeen(12 + i, 2, added=True) for i in range(3)))
    assert state.phase == "warming"
    state, commands = run(state, FrameSeen(15, 3, added=True), NothingRemembered(15), FrameSeen(15, 3, added=False))
    assert commands == [TryRemembered(), StartRound()]
    state, commands = run(state, RoundFailed(20, "killed"))
    assert (state.phase, commands) == ("degraded", [ReportFailure("killed"), ReportDegraded("killed")])
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
    assert commands == [RestoreOriginal("asked for", remember=False)]


def serving(version: int = 1, benefit: float = 0.5) -> AdaptationState:
    """Return the state after a first twin that has proved itself, eight seconds of `benefit` long."""
    state, _ = run(busy(), RoundJudged(3, judged(), version), *(seen(4 + second, benefit) for second in range(8)))
    assert not state.on_probation
    return state


def seen(time: float, benefit: float | None = None, nr: float = 0.4) -> FrameSeen:
    return FrameSeen(time, 5, added=False, nr=nr, benefit=benefit)


def test_a_twin_that_does_well_live_has_proved_itself() -> None:
    state, _ = run(busy(), RoundJudged(3, judged(), 1))
    assert state.on_probation
    _, commands = run(state, *(seen(4 + second, 0.2) for second in range(8)))
    assert commands == [ConfirmTwin()]


def test_a_twin_that_falls_below_the_original_on_probation_is_rolled_back_to_it() -> None:
    state, _ = run(busy(), RoundJudged(3, judged(), 1))
    state, commands = run(state, *(seen(4 + second, -0.4) for second in range(4)))
    assert (state.phase, state.version) == ("warming", 0)
    (command,) = commands
    assert command == RollBack(0, "its benefit on keyframes was -0.40 over 2 s, +0.00 before")
    assert state.new_keyframes == 0, "the next round waits for keyframes that are not these"


def test_a_twin_that_falls_below_the_twin_before_is_rolled_back_to_that() -> None:
    state = serving(benefit=0.6)
    state, commands = run(state, *(FrameSeen(20 + i, 9, added=True) for i in range(3)), RoundJudged(30, judged(), 2))
    assert commands[-1] == InstallTwin(fallback=1)
    state, commands = run(state, *(seen(31 + second, 0.2) for second in range(5)))
    assert [type(command) for command in commands] == [RollBack]
    assert (state.phase, state.version, state.on_probation) == ("serving", 1, False)


def test_no_round_starts_while_a_twin_is_on_probation_unless_a_person_wants_it() -> None:
    state, _ = run(busy(), RoundJudged(3, judged(), 1))
    state, commands = run(state, *(FrameSeen(20 + i, 9, added=True) for i in range(9)))
    assert commands == []
    state, commands = run(state, Ordered(30, "force"), FrameSeen(30, 9, added=False))
    assert commands == [StartRound()]
    _, commands = run(state, *(seen(31 + second, -0.9) for second in range(3)))
    assert [type(command) for command in commands] == [CancelRound, RollBack], "it started from the twin"
    _, commands = run(state, RoundJudged(31, judged(), 2))
    assert commands == [InstallTwin(fallback=0)], "a twin on probation is nothing to fall back on"


def test_roll_backs_in_a_row_use_up_the_budget_too() -> None:
    state = busy()
    for start in (3, 60):
        state, _ = run(state, *(FrameSeen(start + i / 10, 9, added=True) for i in range(3)))
        state, commands = run(
            state, RoundJudged(start + 1, judged(), start), *(seen(start + 2 + s, -1) for s in range(3))
        )
    assert state.phase == "degraded"
    assert isinstance(commands[-1], ReportDegraded)
    state, _ = run(state, FrameSeen(200, 9, added=False))
    assert state.phase == "warming"


def test_a_proved_twin_that_becomes_worse_than_the_original_ends_with_its_scene() -> None:
    state, commands = run(serving(benefit=0.5), *(seen(20 + second, -0.4) for second in range(4)))
    command = commands[0]
    assert isinstance(command, RestoreOriginal)
    assert command.remember
    assert "benefit" in command.reason
    assert (state.phase, state.version, commands[1:]) == ("validating", 0, [TryRemembered()])


def test_nr_that_rises_for_good_is_a_drift_and_a_single_second_is_none() -> None:
    calm = [seen(20 + second, nr=0.4 + 0.02 * (second % 3)) for second in range(20)]
    state, commands = run(serving(), *calm, seen(40, nr=0.95), *(seen(41 + second) for second in range(5)))
    assert commands == []
    _, commands = run(state, *(seen(50 + second, nr=0.8) for second in range(6)))
    assert isinstance(commands[0], RestoreOriginal)
    assert commands[0].reason == "drift: NR rose above its mean of 0.47"
    _, commands = run(state, *(seen(50 + second, nr=1.0) for second in range(30)))
    assert commands == [], "where nothing is found, nothing has drifted"


def test_live_statistics_can_be_switched_off() -> None:
    settings = SETTINGS.model_copy(update={"drift": DriftSettings(enabled=False)})
    state, commands = advance(busy(), RoundJudged(3, judged(), 1), settings)
    assert (commands, state.on_probation) == ((InstallTwin(0),), False)
    for second in range(30):
        state, commands = advance(state, seen(4 + second, -1), settings)
        assert commands == ()


def scene(*signals: Signal) -> tuple[AdaptationState, list[object]]:
    return run(
        initial_state(SETTINGS), SceneChanged(0), *(FrameSeen(i / 10, 3, added=False) for i in range(2)), *signals
    )


def test_a_remembered_twin_is_tried_first_in_a_new_scene_and_once() -> None:
    state, commands = scene()
    assert commands[-1] == TryRemembered()
    assert (state.phase, state.recalling) == ("validating", True)
    state, commands = run(state, RoundJudged(1, judged(), 1), FrameSeen(1, 3, added=False))
    assert commands == [InstallTwin(0, remembered=True)]
    assert (state.phase, state.version, state.last_end) == ("serving", 1, None)


def test_a_remembered_twin_that_does_not_fit_costs_the_first_round_nothing() -> None:
    state, commands = scene(RoundJudged(1, judged(0.3, 0.4), 1))
    assert isinstance(commands[-1], RejectTwin)
    _, commands = run(state, FrameSeen(1, 3, added=True), FrameSeen(1.1, 3, added=True))
    assert commands == [StartRound()]
    state, _ = scene(NothingRemembered(1))
    assert (state.phase, state.recalling) == ("warming", False)


def test_what_a_person_reset_is_not_recalled() -> None:
    state, _ = run(serving(), Ordered(20, "reset"), *(FrameSeen(21 + i, 3, added=False) for i in range(3)))
    assert state.phase == "warming"


def test_a_resumed_twin_is_on_probation() -> None:
    state, commands = run(initial_state(SETTINGS), Resumed(0, 1), FrameSeen(0, 3, added=False))
    assert (state.phase, state.version, state.on_probation, commands) == ("serving", 1, True, [])
    _, commands = run(state, *(seen(1 + second, -0.5) for second in range(4)))
    assert [type(command) for command in commands] == [RollBack]


def test_switching_adaptation_on_gives_a_fresh_budget() -> None:
    state, _ = run(busy(), RoundFailed(2, "x"), Ordered(3, "off"), Ordered(4, "on"))
    assert (state.phase, state.failures) == ("warming", 0)
