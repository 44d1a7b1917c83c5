"""Where frames come from: one face for files, folders, cameras, streams, publishers, the generated scene."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Protocol

from configs.source import SourceSettings
from stream.channel import Channel
from stream.decoding import VideoReader
from stream.errors import SourceError
from stream.file_source import FileSource
from stream.frame import Frame
from stream.image_folder import ImageFolder
from stream.live_source import LiveSource
from stream.location import Location, locate
from stream.reader import Opener, Reader
from stream.recording.packet_ring import PacketRing
from stream.source_status import SourceStatus
from stream.synthetic import Demo, SyntheticReader
from stream.whip_source import WhipSource, needs_service


class Source(Protocol):
    """A source of frames.

    Attributes:
        live: whether the newest frame wins, or else every frame counts.
        status: how it is doing.
    """

    @property
    def live(self) -> bool: ...  # noqa: D102 - described above
    @property
    def status(self) -> SourceStatus: ...  # noqa: D102

    async def run(self, out: Channel[Frame]) -> None:
        """Send frames to `out` until the source ends or the task is cancelled; `out` is closed in every case.

        Raises:
            SourceError: it cannot be opened or read, and it would not help to try again.
        """
        ...


def open_source(
    settings: SourceSettings,
    *,
    clock: Callable[[], float] = time.monotonic,
    random: Random | None = None,
    paced: bool = False,
    ring: PacketRing | None = None,
) -> Source:
    """Return the source that `settings` describe; nothing is opened before it runs.

    Args:
        settings: of the camera.
        clock: monotonic seconds.
        random: jitter of the pauses between tries; by default a new generator.
        paced: whether a file or generated scene is served live, at its own speed, instead of read as fast as possible.
        ring: gets copies of the source's packets, so that clips can be cut out of them; by default nothing is copied.

    Raises:
        UnsupportedSourceError: the URL is malformed, of an unknown kind, or one that this FFmpeg cannot read.
    """
    location = locate(settings.url.get_secret_value())
    live = is_live(location, settings, paced=paced)
    random = random or Random()  # noqa: S311 - jitter
    if location.kind == "whip":
        return WhipSource(settings, clock=clock, random=random)
    opener = reader_opener(location, settings, live=live, ring=ring)
    if not live:
        return FileSource(
            location.name, opener, clock=clock, paced=paced, loop=settings.loop, fps_limit=settings.fps_limit
        )
    returns = location.kind in ("device", "network")
    return LiveSource(location.name, opener, settings, clock=clock, random=random, returns=returns)


def is_live(location: Location, settings: SourceSettings, *, paced: bool) -> bool:
    """Return whether the newest frame wins: as set, else for cameras and URLs, and for the demo where it is served."""
    if settings.live is not None:
        return settings.live
    return location.kind in ("device", "network", "whip") or (location.kind == "demo" and paced)


def reader_opener(
    location: Location, settings: SourceSettings, *, live: bool, ring: PacketRing | None = None
) -> Opener:
    """Return what opens a reader of `location`, later and in a thread; `ring` gets copies of its packets.

    Raises:
        UnsupportedSourceError: a `demo://` URL with unknown parameters, or `whip://`, which nobody can open.
    """
    match location.kind:
        case "whip":
            raise needs_service()
        case "demo":
            return partial(SyntheticReader, Demo.parse(location.target))
        case "path":
            return partial(_open_path, location, settings, ring)
        case _:
            return partial(VideoReader, location, settings, live=live, ring=ring)


def _open_path(location: Location, settings: SourceSettings, ring: PacketRing | None) -> Reader:
    path = Path(location.target).expanduser()
    if not path.exists():
        message = f"{path}: there is no such file or folder"
        raise SourceError(message)
    if path.is_dir():
        return ImageFolder(path)
    return VideoReader(Location("path", str(path)), settings, live=False, ring=ring)
