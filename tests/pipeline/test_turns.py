"""Turns at the threads and at the retraining child, as tasks take them."""

import asyncio
from asyncio import TaskGroup
from collections import Counter

import pytest

from pipeline.frame_threads import FrameThreads
from pipeline.turns import Turns, by_turns
from tests.fakes.waiting import until


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_no_more_turns_than_slots_are_under_way() -> None:
    turns, go = Turns(2), asyncio.Event()
    inside: list[str] = []

    async def take(name: str) -> None:
        async with turns.turn(name):
            inside.append(name)
            await go.wait()

    async with TaskGroup() as tasks:
        for name in "abc":
            tasks.create_task(take(name), name=name)
        await until(lambda: turns.waits("c"))
        assert (inside, turns.waits("a")) == (["a", "b"], False)
        go.set()
    assert inside == ["a", "b", "c"]


async def test_a_camera_with_priority_gets_its_share_and_a_slow_one_pays_for_its_time() -> None:
    clock = Clock()
    turns = Turns(1, clock=clock)
    had: Counter[str] = Counter()

    async def camera(name: str, weight: float, seconds: float) -> None:
        while clock.now < 300:
            async with turns.turn(name, weight):
                had[name] += seconds  # type: ignore[assignment]  # seconds, not a number of turns
                clock.now += seconds
                await asyncio.sleep(0)

    async with TaskGroup() as tasks:
        tasks.create_task(camera("first", 2.0, 1.0), name="first")
        tasks.create_task(camera("plain", 1.0, 1.0), name="plain")
        tasks.create_task(camera("slow", 1.0, 5.0), name="slow")
    assert had["first"] == pytest.approx(150, abs=6)
    assert had["plain"] == pytest.approx(75, abs=6)
    assert had["slow"] == pytest.approx(75, abs=6)


async def test_who_floods_the_queue_starves_nobody() -> None:
    turns = Turns(1, by_turns)
    order: list[str] = []
    hold = asyncio.Event()

    async def round_of(name: str) -> None:
        async with turns.turn(name):
            await hold.wait()
            order.append(name)

    async with TaskGroup() as tasks:
        for _ in range(6):
            tasks.create_task(round_of("flood"), name="flood")
        for name in ("calm", "quiet"):
            tasks.create_task(round_of(name), name=name)
        await until(lambda: turns.waits("quiet"))
        hold.set()
    assert order[:3] == ["flood", "calm", "quiet"]
    assert order[3:] == ["flood"] * 5


async def test_who_is_cancelled_while_waiting_or_at_its_turn_leaves_the_slot_to_others() -> None:
    turns, hold = Turns(1), asyncio.Event()
    done: list[str] = []

    async def take(name: str) -> None:
        async with turns.turn(name):
            done.append(name)
            await hold.wait()

    async with TaskGroup() as tasks:
        first = tasks.create_task(take("first"), name="first")
        waiting = tasks.create_task(take("waiting"), name="waiting")
        given = tasks.create_task(take("given"), name="given")
        tasks.create_task(take("last"), name="last")
        await until(lambda: turns.waits("last"))
        waiting.cancel()
        first.cancel()
        await until(lambda: not turns.waits("given"))
        given.cancel()  # its turn was given to it a moment ago
        await until(lambda: "last" in done)
        hold.set()
    assert "waiting" not in done
    assert not turns.waits("waiting")
    assert turns.longest() == 0


async def test_a_turn_that_is_taken_in_the_moment_of_its_cancelling_goes_on_to_the_next() -> None:
    turns, hold = Turns(1), asyncio.Event()
    done: list[str] = []

    async def take(name: str) -> None:
        async with turns.turn(name):
            done.append(name)
            await hold.wait()

    async with TaskGroup() as tasks:
        first = tasks.create_task(take("first"), name="first")
        second = tasks.create_task(take("second"), name="second")
        third = tasks.create_task(take("third"), name="third")
        await until(lambda: turns.waits("third"))
        second.cancel()
        third.cancel()
        first.cancel()
        fourth = tasks.create_task(take("fourth"), name="fourth")
        await until(lambda: done == ["first", "fourth"])
        hold.set()
        await fourth


async def test_the_oldest_turn_is_known() -> None:
    clock = Clock()
    turns = Turns(2, clock=clock)
    assert turns.longest() == 0
    async with turns.turn("a"):
        clock.now = 3
        async with turns.turn("b"):
            clock.now = 5
            assert turns.longest() == 5
        assert turns.longest() == 5
    assert turns.longest() == 0


async def test_cameras_share_the_threads() -> None:
    with FrameThreads(2) as threads:
        door, garden = threads.seat("door"), threads.seat("garden", 2.0)
        assert door.executor is garden.executor
        loop = asyncio.get_running_loop()
        async with door.turn(), garden.turn():
            assert await loop.run_in_executor(door.executor, lambda: 1) == 1
            assert threads.longest() > 0
    assert FrameThreads().count >= 1
