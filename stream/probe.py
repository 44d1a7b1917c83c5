"""What a source is: opened, looked at, and closed again."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from configs.source import SourceSettings
from stream.decoding import VideoReader
from stream.errors import CorruptSourceError
from stream.image_folder import ImageFolder
from stream.location import locate
from stream.reader import DecodedPicture, Reader
from stream.source import is_live, reader_opener

_WIDE: Final = 1920
_SLOW_START: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What was found.

    Attributes:
        name: of the source, without credentials.
        format: container or protocol: FFmpeg's name, "images" or "demo".
        codec: of the video, FFmpeg's name; empty where there is none.
        width: of its first picture in pixels.
        height: likewise.
        frame_rate: nominal pictures a second; 0 where it is unknown.
        duration: seconds; None where it has no end, or none that is known.
        first_picture: seconds from the start of opening to the first picture.
        live: whether its newest frame wins (cameras and URLs).
        warnings: what may surprise, a sentence each.
    """

    name: str
    format: str
    codec: str
    width: int
    height: int
    frame_rate: float
    duration: float | None
    first_picture: float
    live: bool
    warnings: tuple[str, ...]


def probe(
    url: str,
    *,
    open_timeout: float = 10.0,
    read_timeout: float = 5.0,
    clock: Callable[[], float] = time.monotonic,
) -> ProbeReport:
    """Open `url`, decode its first picture, and report. It blocks: call it in a thread.

    Raises:
        SourceError: it cannot be opened or has no picture.
    """
    settings = SourceSettings.model_validate({"url": url, "open_timeout": open_timeout, "read_timeout": read_timeout})
    location = locate(url)
    live = is_live(location, settings, paced=False)
    opener = reader_opener(location, settings, live=live)
    started = clock()
    with closing(opener()) as reader:
        first = next(iter(reader), None)
        if first is None:
            message = f"{location.name}: ended before its first picture"
            raise CorruptSourceError(message)
        waited = clock() - started
        form, codec, duration = _describe(reader)
        return ProbeReport(
            name=location.name,
            format=form,
            codec=codec,
            width=first.image.shape[1],
            height=first.image.shape[0],
            frame_rate=float(reader.frame_rate),
            duration=duration,
            first_picture=waited,
            live=live,
            warnings=tuple(_warnings(reader, first, waited, live=live)),
        )


def _describe(reader: Reader) -> tuple[str, str, float | None]:
    """Return format, codec and duration in seconds."""
    match reader:
        case VideoReader():
            return reader.format, reader.codec, reader.duration
        case ImageFolder():
            return "images", "", float(len(reader.paths) / reader.frame_rate)
        case _:
            return "demo", "", None


def _warnings(reader: Reader, first: DecodedPicture, waited: float, *, live: bool) -> list[str]:
    found = []
    if not reader.frame_rate:
        found.append("The frame rate is not stated; times come from the stream or the clock.")
    if live and isinstance(reader, VideoReader) and reader.reorders:
        found.append("The stream has B-frames, which delay it; set the camera to baseline or low-latency coding.")
    if live and waited > _SLOW_START:
        found.append(f"The first picture took {waited:.1f} s; a shorter keyframe interval in the camera helps.")
    if first.image.shape[1] > _WIDE:
        found.append(
            f"Pictures are {first.image.shape[1]} pixels wide; a camera's sub-stream costs far less to decode."
        )
    if reader.corrupt:
        found.append("Corrupt pictures came before the first good one.")
    return found
