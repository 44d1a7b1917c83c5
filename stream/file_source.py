"""Every frame in order: files, image folders, and streams that are to be read whole."""

import logging
from collections.abc import Callable
from typing import Final

from stream.channel import Channel, Overflow
from stream.errors import ClosedChannelError, SourceError
from stream.frame import Frame
from stream.hand_off import HandOff
from stream.reader import Opener
from stream.reading import FrameStamp, ReadingThread
from stream.source_status import SourceRecord, SourceStatus

_log = logging.getLogger("livesal.source")

_AHEAD: Final = 2
"""Frames that are decoded ahead of the one being sent."""


class FileSource:
    """A source whose frames all matter: a full channel makes it wait, its end ends the stream."""

    live = False

    def __init__(
        self,
        name: str,
        opener: Opener,
        *,
        clock: Callable[[], float],
        paced: bool = False,
        loop: bool = False,
        fps_limit: float | None = None,
    ) -> None:
        """Make a source; nothing is opened yet.

        Args:
            name: how messages call it: no credentials.
            opener: opens its reader.
            clock: monotonic seconds.
            paced: whether frames leave at the speed of the media instead of as fast as they are taken.
            loop: whether it starts again at its end, its times going on.
            fps_limit: most frames per second of media time; those beyond are left out.
        """
        self._name = name
        self._opener = opener
        self._clock = clock
        self._paced = paced
        self._loop = loop
        self._fps_limit = fps_limit
        self._record = SourceRecord()

    @property
    def status(self) -> SourceStatus:
        """How it is doing."""
        return self._record.snapshot()

    async def run(self, out: Channel[Frame]) -> None:
        """Send every frame to `out`, and close it at the end, whatever the end is.

        Raises:
            SourceError: it cannot be opened, or holds no usable video. Damage further on only ends it early, with a
                warning in the log and in `status.error`.
        """
        hand_off = HandOff[Frame](_AHEAD, Overflow.WAIT)
        stamp = FrameStamp(self._clock, live=False, fps_limit=self._fps_limit)
        reading = ReadingThread(
            f"read {self._name}", self._opener, hand_off, stamp, self._record, paced=self._paced, loop=self._loop
        )
        self._record.attempts += 1
        self._record.state, self._record.error = "connecting", ""
        try:
            reading.start()
            async for frame in hand_off:
                self._record.state, self._record.size = "up", frame.size
                await out.send(frame)
                self._record.frames += 1
            if self._record.error:
                _log.warning(self._record.error)
        except SourceError as error:
            self._record.error = str(error)
            raise
        except ClosedChannelError:  # whoever took the frames has had enough
            return
        finally:
            self._record.state = "ended"
            hand_off.close()
            await out.close()
