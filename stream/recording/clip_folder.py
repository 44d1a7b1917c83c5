"""The folder of clips and pictures: names, room, and what has to go. Its calls block."""

import errno
import os
import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from configs.events import ClipSettings
from stream.errors import OutputError
from stream.recording.clip_file import PARTIAL, ClipFile, Opener, create
from stream.recording.packet_ring import Shape

Suffix = Literal[".mp4", ".jpg"]

_ID: Final = re.compile(r"[0-9]+(\.[0-9]+)?-[a-z0-9]{6}")
_MEGABYTE: Final = 1_000_000
_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What is in the folder.

    Attributes:
        clips: videos.
        size: bytes of all files.
    """

    clips: int
    size: int


def is_event_id(text: str) -> bool:
    """Return whether `text` can be a region's id, and so part of a file name."""
    return _ID.fullmatch(text) is not None


class ClipFolder:
    """Files named after their event's id: `ID.mp4` and `ID.jpg`."""

    def __init__(
        self,
        path: Path,
        settings: ClipSettings,
        opener: Opener = create,
        free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        """Describe a folder; `opener` creates its files, `free` tells the bytes that its disk has left."""
        self.path = path
        self._settings = settings
        self._opener = opener
        self._free = free

    def prepare(self) -> None:
        """Create the folder, and delete what an earlier process left half written.

        Raises:
            OutputError: it cannot be written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for left in self.path.glob("*" + PARTIAL):
                left.unlink()
        except OSError as error:
            message = f"events.clips.folder {self.path} cannot be used ({error.strerror}): choose another"
            raise OutputError(message) from None
        if not os.access(self.path, os.W_OK | os.X_OK):
            message = f"events.clips.folder {self.path} cannot be written to: change its rights, or choose another"
            raise OutputError(message)

    def file(self, event: str, suffix: Suffix) -> Path:
        """Return where the clip or the picture of `event` is or would be.

        Raises:
            ValueError: that is no event's id.
        """
        if not is_event_id(event):
            message = f"{event!r} is no event's id"
            raise ValueError(message)
        return self.path / (event + suffix)

    def having(self, events: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Return which of `events` have a clip, and which a picture."""
        return (
            frozenset(event for event in events if self.file(event, ".mp4").exists()),
            frozenset(event for event in events if self.file(event, ".jpg").exists()),
        )

    def begin(self, event: str, shape: Shape) -> ClipFile:
        """Begin the clip of `event`.

        Raises:
            OSError: it cannot be written, or the disk has no room.
        """
        self._check_room()
        return ClipFile.begin(self.file(event, ".mp4"), shape, self._opener)

    def keep_picture(self, event: str, jpeg: bytes) -> None:
        """Write the picture of `event`.

        Raises:
            OSError: it cannot be written, or the disk has no room.
        """
        self._check_room()
        path = self.file(event, ".jpg")
        partial = path.with_name(path.name + PARTIAL)
        with self._opener(partial) as file:
            file.write(jpeg)
        partial.replace(path)

    def sweep(self, now: float) -> Usage:
        """Delete what is too old at unix time `now`, then the oldest until the rest fits; return what is left."""
        kept = sorted(self._files())
        oldest = now - self._settings.days * _DAY
        size = sum(one[1] for one in kept)
        while kept and (kept[0][0] < oldest or size > self._settings.megabytes * _MEGABYTE):
            _, gone, path = kept.pop(0)
            path.unlink(missing_ok=True)
            size -= gone
        return Usage(sum(path.suffix == ".mp4" for *_, path in kept), size)

    def _files(self) -> list[tuple[float, int, Path]]:
        """Return time of change, size in bytes, and path of each file that is whole."""
        found = []
        for path in self.path.iterdir():
            if path.suffix in (".mp4", ".jpg") and is_event_id(path.stem):
                with suppress(FileNotFoundError):  # somebody else deletes as well
                    about = path.stat()
                    found.append((about.st_mtime, about.st_size, path))
        return found

    def _check_room(self) -> None:
        if self._free(self.path) < self._settings.free * _MEGABYTE:
            what = f"less than events.clips.free = {self._settings.free:g} MB is left"
            raise OSError(errno.ENOSPC, what, str(self.path))
