import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from configs.source import SourceSettings
from stream.channel import Channel, Overflow
from stream.errors import SourceError, UnsupportedSourceError
from stream.frame import Frame
from stream.live_source import LiveSource
from stream.reader import DecodedPicture, Reader
from stream.source import open_source
from tests.fakes.media import numbered, read_number
from tests.fakes.waiting import until

Script = Callable[[], Iterator[int]]


class FakeReader:
    """Gives pictures with the numbers that a script yields; the script may raise or wait."""

    corrupt = 0
    damage = ""

    def __init__(self, script: Script, *, bursts: bool = False) -> None:
        self.frame_rate = Fraction(25)
        self.bursts = bursts
        self._script = script

    def __iter__(self) -> Iterator[DecodedPicture]:
        for number in self._script():
            yield DecodedPicture(numbered(number), number, Fraction(1, 1000))

    def close(self) -> None:
        pass


class FakeCamera:
    """Opens as one script after the other says; the last one again and again."""

    def __init__(self, *scripts: Script | Exception) -> None:
        self.opened = 0
        self._scripts = scripts

    def __call__(self) -> Reader:
        script = self._scripts[min(self.opened, len(self._scripts) - 1)]
        self.opened += 1
        if isinstance(script, Exception):
            raise script
        return FakeReader(script)


class Pauses:
    """Stands in for sleeping: notes how long, and goes on at once."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def settings(**others: Any) -> SourceSettings:
    return SourceSettings.model_validate({"url": "rtsp://user:hidden@camera/x", "reconnect": {"jitter": 0}, **others})


def live_source(
    camera: Callable[[], Reader],
    sleep: Callable[[float], Awaitable[None]] | None = None,
    clock: Callable[[], float] = time.monotonic,
    **others: Any,
) -> LiveSource:
    random = Random(0)  # noqa: S311 - jitter is no secret
    return LiveSource("camera", camera, settings(**others), clock=clock, random=random, sleep=sleep or Pauses())


def forever(gate: threading.Event) -> Script:
    """Yield the numbers 0 and 1, then wait for `gate`."""

    def script() -> Iterator[int]:
        yield 0
        yield 1
        gate.wait(30)

    return script


async def test_a_lost_camera_is_called_again_with_growing_pauses_until_frames_come_back() -> None:
    pauses = Pauses()
    done = threading.Event()
    camera = FakeCamera(lambda: iter([5]), *[SourceError("refused")] * 3, forever(done))
    source = live_source(camera, pauses)
    out = Channel[Frame](8)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(source.run(out), name="source")
        frames = [await out.receive()]
        assert source.status.reconnects == 0
        frames.append(await out.receive())
        running.cancel()
        done.set()
    assert pauses.seconds == [0.5, 1, 2, 4]
    assert read_number(frames[0].image) == 5
    assert frames[1].pts > frames[0].pts
    assert frames[1].sequence >= 1
    status = source.status
    assert (status.reconnects, status.attempts, status.state) == (1, 5, "ended")
    assert out.closed


async def test_while_a_camera_is_away_the_status_is_down_and_says_why_once(caplog: pytest.LogCaptureFixture) -> None:
    source: LiveSource
    seen = []

    async def pause(_: float) -> None:
        seen.append(source.status)
        await asyncio.sleep(0)
        if len(seen) == 5:
            await out.close()

    done = threading.Event()
    camera = FakeCamera(*[SourceError("nothing listens there")] * 5, forever(done))
    source = live_source(camera, pause)
    out = Channel[Frame](1)
    with caplog.at_level(logging.WARNING, "livesal.source"):
        await asyncio.wait_for(source.run(out), 5)
    done.set()
    assert [(status.state, status.error) for status in seen] == [("down", "nothing listens there")] * 5
    assert caplog.text.count("nothing listens there") == 1


async def test_a_camera_that_goes_silent_is_given_up_though_its_thread_hangs() -> None:
    gate = threading.Event()
    hanging = FakeCamera(forever(gate), forever(gate))
    source = live_source(hanging, read_timeout=0.05)
    out = Channel[Frame](1, Overflow.DROP_OLDEST)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(source.run(out), name="source")
        while source.status.reconnects < 1:
            await out.receive()
        running.cancel()
    assert source.status.hung >= 1
    gate.set()


async def test_threads_that_hang_are_not_piled_up_without_end() -> None:
    gate = threading.Event()

    def script() -> Iterator[int]:
        gate.wait(30)
        yield from ()

    pauses = 0

    async def pause(_: float) -> None:
        nonlocal pauses
        pauses += 1
        await asyncio.sleep(0)

    camera = FakeCamera(script)
    source = live_source(camera, pause, open_timeout=0.01, read_timeout=0.01)
    running = asyncio.ensure_future(source.run(Channel[Frame](1)))
    await until(lambda: pauses >= 20)
    running.cancel()
    await asyncio.wait([running])
    assert camera.opened == 4
    assert source.status.hung == 4
    gate.set()


async def test_the_newest_frame_wins_and_each_replaced_one_is_counted() -> None:
    sent, done = threading.Event(), threading.Event()

    def script() -> Iterator[int]:
        yield from range(10)
        sent.set()
        done.wait(30)
        yield 10

    source = live_source(FakeCamera(script), frame_age=100)
    out = Channel[Frame](1)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(source.run(out), name="source")
        assert await asyncio.to_thread(sent.wait, 10)
        numbers = [read_number((await out.receive()).image)]
        while numbers[-1] != 9:
            numbers.append(read_number((await out.receive()).image))
        done.set()
        numbers.append(read_number((await out.receive()).image))
        running.cancel()
    assert numbers[-2:] == [9, 10]
    assert numbers == sorted(numbers)
    assert source.status.dropped == ({"overflow": 11 - len(numbers)} if len(numbers) < 11 else {})
    assert len(numbers) <= 5


async def test_frames_over_the_age_budget_are_dropped_and_counted() -> None:
    clock = [0.0]
    taken, done = threading.Event(), threading.Event()

    def script() -> Iterator[int]:
        yield 0
        taken.wait(30)
        clock[0] = 3.0  # the network stalls for 3 s …
        yield 40  # … and this frame was under way all the time
        while not done.is_set():
            clock[0] += 0.04
            yield round(clock[0] * 1000)

    source = live_source(FakeCamera(script), clock=lambda: clock[0])
    out = Channel[Frame](1)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(source.run(out), name="source")
        first = await out.receive()
        taken.set()
        second = await out.receive()
        done.set()
        running.cancel()
    assert (first.pts, first.sequence) == (0, 0)
    assert second.pts >= 3040
    dropped = source.status.dropped
    assert dropped.get("late", 0) + dropped.get("overflow", 0) >= 1


async def test_what_cannot_help_to_try_again_is_an_error_at_once() -> None:
    source = live_source(FakeCamera(UnsupportedSourceError("no such protocol")))
    out = Channel[Frame](1)
    with pytest.raises(UnsupportedSourceError):
        await asyncio.wait_for(source.run(out), 5)
    assert out.closed
    assert source.status.attempts == 1


async def test_an_unexpected_error_of_the_reader_is_not_hidden() -> None:
    source = live_source(FakeCamera(ZeroDivisionError("a mistake of ours")))
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(source.run(Channel[Frame](1)), 5)


async def test_a_live_file_ends_and_a_missing_one_is_an_error() -> None:
    demo = open_source(
        SourceSettings.model_validate({"url": "demo://?seconds=1&fps=240&width=64&height=64", "live": True})
    )
    out = Channel[Frame](4)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(demo.run(out), name="source")
        frames = [frame async for frame in out]
    status = demo.status
    assert frames[-1].pts <= 239
    assert status.frames == len(frames)
    assert (status.state, status.attempts) == ("ended", 1)
    missing = open_source(SourceSettings.model_validate({"url": "/nowhere/a.mp4", "live": True}))
    with pytest.raises(SourceError, match="there is no such file"):
        await asyncio.wait_for(missing.run(Channel[Frame](1)), 5)


def test_what_is_live_follows_the_url_unless_it_is_set() -> None:
    def live(url: str, *, paced: bool = False, **others: Any) -> bool:
        return open_source(SourceSettings.model_validate({"url": url, **others}), paced=paced).live

    assert live("rtsp://camera/x")
    assert live("/dev/video0")
    assert live("demo://", paced=True)
    assert not live("demo://")
    assert not live("a.mp4", paced=True)
    assert not live("rtsp://camera/x", live=False)
    assert live("a.mp4", live=True)
