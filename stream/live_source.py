"""The newest frame wins: cameras and streams that go on whether or not anybody keeps up, and come back when lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from configs.source import SourceSettings
from stream.backoff import Backoff
from stream.channel import Channel, Overflow
from stream.errors import ClosedChannelError, SilentSourceError, SourceError, UnsupportedSourceError
from stream.frame import Frame
from stream.hand_off import HandOff
from stream.lateness import Lateness
from stream.reader import Opener
from stream.reading import FrameStamp, ReadingThread
from stream.source_status import SourceRecord, SourceStatus

_log = logging.getLogger("livesal.source")

_MOST_STUCK: Final = 4
"""Threads that may hang in a driver or a connection before no further one is started."""


class LiveSource:
    """A source that is called again for ever when it ends, fails or goes silent.

    A reading thread puts frames into a hand-off for one; what is not taken in time is replaced by the next. A watchdog
    on the loop gives up on a silent source whatever its thread does.
    """

    live = True

    def __init__(
        self,
        name: str,
        opener: Opener,
        settings: SourceSettings,
        *,
        clock: Callable[[], float],
        random: Random,
        returns: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Make a source; nothing is opened yet.

        Args:
            name: how messages call it: no credentials.
            opener: opens its reader.
            settings: its budgets and time limits.
            clock: monotonic seconds.
            random: the jitter of its pauses.
            returns: whether its end means that it was lost; files and generated scenes really end.
            sleep: waits before the next try, by default for the seconds that it is given.
        """
        self._name = name
        self._opener = opener
        self._settings = settings
        self._stamp = FrameStamp(clock, live=True, fps_limit=settings.fps_limit)
        self._backoff = Backoff(settings.reconnect, random)
        self._returns = returns
        self._sleep = sleep
        self._record = SourceRecord()
        self._stuck: list[ReadingThread] = []

    @property
    def status(self) -> SourceStatus:
        """How it is doing."""
        return self._record.snapshot()

    async def run(self, out: Channel[Frame]) -> None:
        """Send the newest frames to `out` until cancelled, or until what can end has ended; then close `out`.

        What `out` drops when it is full, it counts itself.

        Raises:
            UnsupportedSourceError: trying again would not help.
            SourceError: a source that does not return cannot be opened or read.
        """
        self._record.state = "connecting"
        try:
            while True:
                self._stuck = [thread for thread in self._stuck if thread.is_alive]
                if len(self._stuck) < _MOST_STUCK:
                    await self._open_and_send(out)
                    if not self._returns:
                        return
                await self._sleep(self._backoff.next())
        except SourceError as error:
            self._record.error = str(error)
            raise
        except ClosedChannelError:  # whoever took the frames has had enough
            return
        finally:
            self._record.state = "ended"
            await out.close()

    async def _open_and_send(self, out: Channel[Frame]) -> None:
        """Open the source once and send its frames until it ends or is lost."""
        started = self._stamp.clock()
        try:
            await self._send_all(out)
        except UnsupportedSourceError:
            raise
        except SourceError as error:
            if not self._returns:
                raise
            self._report_lost(str(error))
        else:
            if self._returns:
                self._report_lost(f"{self._name}: the stream ended")
        if self._stamp.clock() - started > self._settings.reconnect.maximum:
            self._backoff.reset()  # it was worth opening

    async def _send_all(self, out: Channel[Frame]) -> None:
        hand_off = HandOff[Frame](1, Overflow.DROP_OLDEST)
        reading = ReadingThread(
            f"read {self._name}",
            self._opener,
            hand_off,
            self._stamp,
            self._record,
            paced=True,
            loop=self._settings.loop and not self._returns,
        )
        lateness = Lateness(self._settings.frame_age, self._settings.read_timeout)
        overflow_before = self._record.dropped["overflow"]
        self._record.attempts += 1
        reading.start()
        try:
            limit = self._settings.open_timeout + self._settings.read_timeout
            while (frame := await self._next(hand_off, limit)) is not None:
                limit = self._settings.read_timeout
                self._record.dropped["overflow"] = overflow_before + hand_off.dropped
                self._mark_up(frame)
                if lateness.is_late(frame, self._stamp.clock(), transported=not reading.bursts):
                    self._record.dropped["late"] += 1
                else:
                    await out.send(frame)
                    self._record.frames += 1
        finally:
            hand_off.close()
            if reading.is_alive:
                self._stuck.append(reading)

    async def _next(self, hand_off: HandOff[Frame], limit: float) -> Frame | None:
        """Return the next frame, None at the end of the stream.

        Raises:
            SilentSourceError: nothing came within `limit` seconds, or the reader says so.
            SourceError: the stream broke.
        """
        try:
            async with asyncio.timeout(limit):
                return await anext(hand_off, None)
        except SilentSourceError:
            self._record.hung += 1
            raise
        except TimeoutError:
            self._record.hung += 1
            message = f"{self._name}: no picture for {limit:g} s; it is opened anew"
            raise SilentSourceError(message) from None

    def _mark_up(self, frame: Frame) -> None:
        record = self._record
        if record.state != "up":
            record.reconnects += 1 if record.frames else 0
            record.state, record.error = "up", ""
            _log.info("%s: up, %dx%d", self._name, frame.size[1], frame.size[0])
        record.size = frame.size

    def _report_lost(self, error: str) -> None:
        """Say that the source is lost: once a cause, not once a try."""
        _log.log(logging.DEBUG if error == self._record.error else logging.WARNING, "%s", error)
        self._record.state, self._record.error = "down", error
