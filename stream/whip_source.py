"""`whip://`: a camera whose pictures a publisher sends, such as a browser or OBS."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

from configs.source import SourceSettings
from stream.channel import Channel
from stream.errors import SourceError, UnsupportedSourceError
from stream.frame import Frame
from stream.inlet import Inlet
from stream.live_source import LiveSource
from stream.published_reader import PublishedReader
from stream.reader import Reader
from stream.source_status import SourceStatus

_NAME: Final = "whip://"
_GRACE: Final = 1.0
"""Seconds that the watchdog waits longer than the reader, which can say more about a publisher that is silent."""


class WhipSource:
    """A live source that waits for a publisher, and for the next one when that has left.

    Attributes:
        inlet: where publishers come in.
    """

    live = True

    def __init__(self, settings: SourceSettings, *, clock: Callable[[], float], random: Random) -> None:
        """Make a source without a publisher."""
        self.inlet = Inlet(settings.read_timeout, clock)
        self._settings = settings
        patient = settings.model_copy(update={"read_timeout": settings.read_timeout + _GRACE})
        self._source = LiveSource(_NAME, self._open, patient, clock=clock, random=random, sleep=self._rest)

    @property
    def status(self) -> SourceStatus:
        """How it is doing: connecting while a publisher is there and its pictures are not."""
        status = self._source.status
        dropped = dict(status.dropped)
        if self.inlet.dropped:
            dropped["overflow"] = dropped.get("overflow", 0) + self.inlet.dropped
        awaited = status.state == "down" and self.inlet.publication is not None
        return replace(status, dropped=dropped, state="connecting" if awaited else status.state)

    async def run(self, out: Channel[Frame]) -> None:
        """Send the newest frames to `out` until cancelled; then close it."""
        await self._source.run(out)

    def _open(self) -> Reader:
        publication = self.inlet.publication
        if publication is None:
            message = f"{_NAME}: nobody publishes to this camera now; open /publish, or send it a stream by WHIP"
            raise SourceError(message)
        return PublishedReader(_NAME, publication, self._settings.read_timeout)

    async def _rest(self, _: float) -> None:
        """Wait for pictures instead of a while: they are not called for, they come."""
        await self.inlet.pictures_to_read()


def needs_service() -> UnsupportedSourceError:
    """Return what to say where there is nothing that a publisher could reach."""
    message = f"{_NAME} takes its pictures from a publisher over HTTP: make it a camera of `livesal serve`"
    return UnsupportedSourceError(message)
