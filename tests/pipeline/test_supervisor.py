import asyncio
import logging

import pytest

from configs.source import ReconnectSettings
from pipeline import supervisor
from pipeline.supervisor import BUDGET, first_cause, supervise

QUICK = ReconnectSettings(initial=0.001, maximum=0.004, jitter=0)


class Part:
    """A part that fails with each of `errors` in turn, then returns."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.runs = 0
        self.told: list[str] = []

    async def run(self) -> None:
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)

    def tell(self, error: str) -> None:
        self.told.append(error)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses that were asked for, each cut to one turn of the loop."""
    asked: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        asked.append(seconds)
        await sleep(0)

    monkeypatch.setattr(supervisor.asyncio, "sleep", note)
    return asked


async def test_what_returns_is_not_started_again() -> None:
    part = Part()
    await supervise("part", part.run, part.tell)
    assert (part.runs, part.told) == (1, [])


async def test_what_fails_starts_again_after_growing_pauses(pauses: list[float]) -> None:
    part = Part(ValueError("first"), ValueError("second"), ValueError("third"), OSError())
    await supervise("part", part.run, part.tell, restarts=QUICK)
    assert part.runs == 5
    assert part.told == ["first", "", "second", "", "third", "", "OSError", ""], "empty = it runs again"
    assert pauses == pytest.approx([0.001, 0.002, 0.004, 0.004])


async def test_the_budget_bounds_failures_in_a_row(pauses: list[float], caplog: pytest.LogCaptureFixture) -> None:
    part = Part(*(ValueError(f"error {number}") for number in range(9)))
    with caplog.at_level(logging.ERROR, "livesal.supervisor"):
        await supervise("camera door", part.run, part.tell, restarts=QUICK)
    assert part.runs == BUDGET
    assert len(pauses) == BUDGET - 1
    assert part.told[-1] == f"error {BUDGET - 1}", "it stays down, and says why"
    assert f"camera door is given up: error {BUDGET - 1}" in caplog.text


async def test_a_steady_run_makes_up_for_earlier_failures(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STEADY", -1.0)
    part = Part(*(ValueError(str(number)) for number in range(2 * BUDGET)))
    await supervise("part", part.run, part.tell, restarts=QUICK)
    assert part.runs == 2 * BUDGET + 1
    assert set(pauses) == {0.001}


async def test_what_no_other_try_can_mend_is_given_up_at_once(
    pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    part = Part(ExceptionGroup("stages", [ExceptionGroup("source", [FileNotFoundError("no such file")])]))
    with caplog.at_level(logging.ERROR, "livesal.supervisor"):
        await supervise("part", part.run, part.tell, fatal=(OSError,), restarts=QUICK)
    assert (part.runs, part.told, pauses) == (1, ["no such file"], [])
    assert caplog.records[0].exc_info is None, "a known error needs no traceback"


async def test_a_part_that_fails_while_it_is_being_ended_stays_down() -> None:
    started = asyncio.Event()
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            message = "on the way out"
            raise ValueError(message) from None

    part = Part()
    supervised = asyncio.create_task(supervise("part", run, part.tell, restarts=QUICK), name="supervised")
    await started.wait()
    supervised.cancel()
    with pytest.raises(ValueError, match="on the way out"):
        await supervised
    assert (runs, part.told) == (1, [])


async def test_cancelling_during_a_pause_ends_it() -> None:
    part = Part(ValueError("broken"))
    told = asyncio.Event()
    slow = ReconnectSettings(initial=1000, maximum=1000)

    def tell(error: str) -> None:
        part.tell(error)
        told.set()

    supervised = asyncio.create_task(supervise("part", part.run, tell, restarts=slow), name="supervised")
    await told.wait()
    supervised.cancel()
    with pytest.raises(asyncio.CancelledError):
        await supervised
    assert (part.runs, part.told) == (1, ["broken"])


async def test_cancelling_a_running_part_cancels_it_for_good() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    part = Part()
    supervised = asyncio.create_task(supervise("part", run, part.tell, restarts=QUICK), name="supervised")
    await started.wait()
    supervised.cancel()
    with pytest.raises(asyncio.CancelledError):
        await supervised
    assert cancelled.is_set()
    assert part.told == []


def test_the_first_cause_is_inside_all_groups() -> None:
    cause = KeyError("x")
    assert first_cause(ExceptionGroup("a", [ExceptionGroup("b", [cause, ValueError()]), OSError()])) is cause
    assert first_cause(cause) is cause
