"""What the adapter does between two frames, with rounds whose outcome the test decides."""

from dataclasses import replace

import pytest

from configs.guards import DriftSettings, LibrarySettings
from configs.method import AdaptationSettings, WindowSettings
from models.slot import Slot
from pipeline.adapter import Adapter
from pipeline.appearance import appearance
from pipeline.retraining.rounds import Failed, Judging
from pipeline.values import Keyframe
from stream.events import AdaptationEvent
from tests.fakes.adaptation import plain, twin
from tests.fakes.frames import keyframe
from tests.fakes.retraining import FakeRounds, trained

SETTINGS = AdaptationSettings(
    window=WindowSettings(capacity=4, spacing=0),
    first_keyframes=2,
    new_keyframes=2,
    cool_down=5,
    failure_budget=2,
    failure_pause=60,
    drift=DriftSettings(probation=0),
)


class Bench:
    """An adapter, and what it is tied to."""

    def __init__(self, settings: AdaptationSettings = SETTINGS, *, adaptable: bool = True) -> None:
        self.slot = Slot()
        self.rounds = FakeRounds()
        self.adapter = Adapter(
            "door", settings, self.slot, self.rounds, wall_clock=lambda: 1700000000.0, adaptable=adaptable
        )

    def live(self, *times: float, benefit: float) -> list[AdaptationEvent]:
        """Let frames pass on which the twin has `benefit`; none of them is kept as a keyframe."""
        told = []
        for time in times:
            told += self.adapter.observe(time, None, scene_cut=False, nr=0.3, benefit=benefit)
        return told

    def see(self, *times: float, cut: bool = False) -> list[AdaptationEvent]:
        """Let a keyframe pass at each of `times`."""
        return [event for time in times for event in self.adapter.observe(time, keyframe(time), scene_cut=cut)]

    def pass_by(self, time: float, *, cut: bool = False) -> list[AdaptationEvent]:
        """Let a frame pass that is no keyframe."""
        return self.adapter.observe(time, None, scene_cut=cut)


def looked_at(time: float, colour: tuple[int, int, int]) -> Keyframe:
    """Return a keyframe of a scene of one colour."""
    return replace(keyframe(time), look=appearance(plain(colour)))


def kinds(events: list[AdaptationEvent]) -> list[str]:
    return [event.kind for event in events]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_enough_keyframes_start_a_round_on_the_window(bench: Bench) -> None:
    assert kinds(bench.see(1)) == ["keyframe"]
    events = bench.see(2)
    assert kinds(events) == ["keyframe", "retraining-started"]
    assert (events[0].camera, events[0].time, events[0].media_time) == ("door", 1700000000.0, 2)
    assert events[0].details == {"nr": 0.3, "window": 2}
    (request,) = bench.rounds.requests
    assert [held.media_time for held in request.keyframes] == [1, 2]
    assert (dict(request.base), request.seed) == ({}, 0)
    assert kinds(bench.see(3, 4)) == ["keyframe", "keyframe", "window-filled"]
    assert len(bench.rounds.requests) == 1, "one round at a time"
    assert bench.adapter.keyframes == 4


def test_a_better_twin_is_swapped_in_and_the_next_round_goes_on_from_it(bench: Bench) -> None:
    bench.see(1, 2)
    bench.rounds.outcome = Judging()
    assert bench.pass_by(3) == []
    assert bench.adapter.state.phase == "validating"
    twin = trained(0.5, 0.4)
    bench.rounds.outcome = twin
    finished, swapped = bench.pass_by(4)
    assert (finished.kind, finished.model_version) == ("retraining-finished", 0)
    assert finished.details == {
        "seconds": 1.5,
        "iterations": 48,
        "keyframes": 6,
        "held_out": 2,
        "error_before": 0.5,
        "error_after": 0.4,
        "flips_before": 0.0,
        "flips_after": 0.0,
        "invented_before": 0.0,
        "invented_after": 0.0,
        "contradicted": 0.0,
    }
    assert (swapped.kind, swapped.model_version, swapped.details) == ("swapped", 1, {"keyframes": 6})
    assert bench.slot.installed.head is twin.head
    assert bench.adapter.state.phase == "serving"
    bench.see(5, 10)
    assert bench.rounds.requests[1].base is twin.state
    assert bench.rounds.requests[1].seed == 1
    assert (bench.adapter.retrainings, bench.adapter.swaps, bench.adapter.rejected) == (1, 1, 0)


def test_a_twin_that_is_no_better_is_rejected_and_what_serves_goes_on(bench: Bench) -> None:
    bench.see(1, 2)
    bench.rounds.outcome = first = trained()
    bench.pass_by(3)
    bench.see(4, 9)
    bench.rounds.outcome = trained(0.3, 0.3)
    events = bench.pass_by(10)
    assert kinds(events) == ["retraining-finished", "rejected"]
    assert events[1].details == {"reason": "held-out error 0.3 is not below 0.3"}
    assert bench.slot.installed.head is first.head
    assert events[1].model_version == bench.adapter.state.version == 1
    bench.see(15, 16)
    assert bench.rounds.requests[2].base is first.state
    assert (bench.adapter.swaps, bench.adapter.rejected, bench.adapter.retrainings) == (1, 1, 2)


def test_failed_rounds_leave_everything_serving_until_the_budget_is_used_up(bench: Bench) -> None:
    bench.see(1, 2)
    bench.rounds.outcome = first = trained()
    bench.pass_by(3)
    bench.see(4, 9)
    bench.rounds.outcome = Failed("killed")
    (failed,) = bench.pass_by(10)
    assert (failed.kind, failed.details, failed.model_version) == ("failed", {"reason": "killed"}, 1)
    assert bench.adapter.state.phase == "serving"
    bench.see(15, 16)
    bench.rounds.outcome = Failed("killed again")
    events = bench.pass_by(17)
    assert kinds(events) == ["failed", "degraded"]
    assert events[1].details == {"reason": "killed again", "failures": 2}
    assert bench.slot.installed.head is first.head
    assert (bench.adapter.failed, bench.adapter.retrainings) == (2, 1)


def test_a_scene_cut_kills_the_round_and_forgets_window_and_twin(bench: Bench) -> None:
    bench.see(1, 2)
    bench.rounds.outcome = trained()
    bench.pass_by(3)
    bench.see(4, 9)
    events = bench.see(10, cut=True)
    assert kinds(events) == ["reset", "keyframe"]
    assert (events[0].details, events[0].model_version) == ({"reason": "scene cut"}, 0)
    assert bench.rounds.cancelled == 1
    assert (bench.slot.installed.head, bench.slot.installed.version) == (None, 0)
    assert [held.media_time for held in bench.adapter.window] == [10], "the cut's own frame belongs to the new scene"
    bench.see(11)
    assert dict(bench.rounds.requests[-1].base) == {}, "a new scene starts from the original, without a cool-down"
    bench.rounds.outcome = trained()
    assert bench.pass_by(12)[1].model_version == 2, "versions go on counting"


def test_orders_are_carried_out_at_once(bench: Bench) -> None:
    bench.see(1, 2)
    assert bench.adapter.order("off") == []
    assert bench.rounds.cancelled == 1
    assert kinds(bench.see(3, 4, 5)) == ["keyframe", "keyframe", "window-filled", "keyframe"]
    assert len(bench.rounds.requests) == 1
    bench.adapter.order("on")
    bench.adapter.order("force")
    assert kinds(bench.pass_by(6)) == ["retraining-started"]
    assert kinds(bench.adapter.order("reset")) == ["reset"]
    assert len(bench.adapter.window) == 0


def test_pictures_of_another_size_begin_anew_with_other_rounds(bench: Bench) -> None:
    bench.see(1, 2)
    bench.rounds.outcome = trained()
    bench.pass_by(3)
    bench.see(4, 9)
    rounds = FakeRounds()
    (reset,) = bench.adapter.begin_anew(rounds)
    assert (reset.kind, reset.details, reset.model_version) == ("reset", {"reason": "another frame size"}, 0)
    assert bench.rounds.cancelled == 1
    assert (bench.slot.installed.head, len(bench.adapter.window), bench.adapter.state.phase) == (None, 0, "warming")
    bench.see(10, 11)
    assert len(rounds.requests) == 1
    assert dict(rounds.requests[0].base) == {}


@pytest.mark.parametrize(("enabled", "order", "phase"), [(True, "off", "off"), (False, "on", "warming")])
def test_what_a_person_ordered_outlives_another_frame_size(*, enabled: bool, order: str, phase: str) -> None:
    bench = Bench(SETTINGS.model_copy(update={"enabled": enabled}))
    bench.adapter.order(order)  # type: ignore[arg-type]
    bench.adapter.begin_anew(FakeRounds())
    assert bench.adapter.state.phase == phase


def test_a_network_that_cannot_be_retrained_leaves_adaptation_off_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(adaptable=False)
    assert "door: the colour network cannot be retrained" in caplog.text
    bench.see(1, 2, 3, 4)
    for order in ("on", "force"):
        (event,) = bench.adapter.order(order)
        assert (event.kind, event.details) == ("failed", {"reason": "the colour network cannot be retrained"})
    bench.see(11, 12, 13)
    assert bench.adapter.state.phase == "off"
    assert bench.rounds.requests == []


RED, BLUE = (200, 40, 40), (30, 30, 180)


def test_a_twin_that_does_badly_live_gives_way_to_the_one_before() -> None:
    bench = Bench(SETTINGS.model_copy(update={"drift": DriftSettings(probation=3, slack=0.05, fall=0.3)}))
    bench.see(1, 2)
    bench.rounds.outcome = first = trained()
    bench.pass_by(3)
    bench.live(4, 5, 6, 7, benefit=0.5)
    bench.see(9, 10)
    bench.rounds.outcome = second = trained()
    bench.pass_by(11)
    assert (bench.slot.installed.head, bench.slot.installed.version) == (second.head, 2)
    (event,) = bench.live(12, 13, 14, benefit=0.1)
    assert (event.kind, event.model_version) == ("rolled-back", 1)
    assert event.details == {"reason": "its benefit on keyframes was +0.10 over 1 s, +0.50 before"}
    assert (bench.slot.installed.head, bench.slot.installed.version) == (first.head, 1)
    assert bench.adapter.twin is not None
    assert bench.adapter.twin.state is first.state
    assert bench.adapter.rolled_back == 1
    bench.see(20, 21)
    assert bench.rounds.requests[-1].base is first.state, "the next round starts from what serves"


def test_the_benefit_of_a_frame_that_the_old_twin_served_is_not_held_against_the_new_one() -> None:
    bench = Bench(SETTINGS.model_copy(update={"drift": DriftSettings(probation=3, fall=0.3)}))
    bench.see(1, 2)
    bench.rounds.outcome = trained()
    bench.adapter.observe(3, None, scene_cut=False, nr=0.3, benefit=-1.0)
    assert bench.adapter.state.live.benefit_bin.count == 0


def test_the_twin_of_a_scene_that_returns_is_tried_first_and_recalled() -> None:
    bench = Bench(SETTINGS.model_copy(update={"library": LibrarySettings(keyframes=1), "first_keyframes": 3}))
    for time in (1.0, 2.0, 3.0):
        bench.adapter.observe(time, looked_at(time, RED), scene_cut=False)
    bench.rounds.outcome = red = trained()
    bench.pass_by(4)
    bench.adapter.observe(5, looked_at(5, BLUE), scene_cut=True)
    assert (len(bench.adapter.library), len(bench.rounds.requests)) == (1, 1), "no remembered twin is of a blue scene"
    assert bench.adapter.state.phase == "warming"
    bench.adapter.observe(6, looked_at(6, RED), scene_cut=True)
    request = bench.rounds.requests[-1]
    assert (request.trial, request.base) == (True, red.state)
    assert bench.adapter.state.phase == "validating"
    bench.rounds.outcome = again = trained()
    (event,) = bench.pass_by(7)
    assert (event.kind, event.model_version, event.details["error_after"]) == ("recalled", 2, 0.4)
    assert bench.slot.installed.head is again.head
    assert (bench.adapter.recalled, bench.adapter.swaps, bench.adapter.retrainings) == (1, 1, 1)


def test_a_remembered_twin_that_is_no_better_than_the_original_stays_in_the_library() -> None:
    bench = Bench(SETTINGS.model_copy(update={"library": LibrarySettings(keyframes=1)}))
    bench.adapter.library.remember(twin(RED))
    bench.adapter.observe(1, looked_at(1, RED), scene_cut=False)
    bench.rounds.outcome = trained(0.3, 0.35)
    (event,) = bench.pass_by(2)
    assert (event.kind, event.details) == ("not-recalled", {"reason": "held-out error 0.35 is not below 0.3"})
    assert bench.slot.installed.head is None
    assert (bench.adapter.rejected, len(bench.adapter.library)) == (0, 1)
    bench.adapter.observe(3, looked_at(3, RED), scene_cut=False)
    assert bench.rounds.requests[-1].trial is False, "the first round comes as it would have without"


def test_a_person_who_resets_is_rid_of_everything(bench: Bench) -> None:
    bench.adapter.library.remember(twin(RED))
    bench.see(1, 2)
    bench.rounds.outcome = trained()
    bench.pass_by(3)
    (event,) = bench.adapter.order("reset")
    assert event.details == {"reason": "asked for"}
    assert (len(bench.adapter.library), bench.adapter.twin, bench.adapter.state.phase) == (0, None, "warming")
