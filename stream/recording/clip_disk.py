"""The one thread that writes clips and pictures, and what happens when the disk will not take them."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Final, ParamSpec, Self, TypeVar

from stream.errors import OutputError
from stream.recording.clip_file import ClipFile
from stream.recording.clip_folder import ClipFolder, Usage

P = ParamSpec("P")
T = TypeVar("T")

PAUSE: Final = 60.0
"""Seconds that recording rests after the disk refused something."""

_log = logging.getLogger("livesal.clips")


class ClipDisk:
    """Runs the blocking calls of a clip folder. Where one fails, recording pauses, says so, and tries again later.

    Attributes:
        folder: where the files are.
        problem: why recording pauses, in one line; empty while it does not.
        usage: what was in the folder when it was last swept.
    """

    def __init__(
        self,
        folder: ClipFolder,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Make a disk that nothing is done on yet; `clock` gives monotonic, `wall` unix seconds."""
        self.folder = folder
        self.problem = ""
        self.usage = Usage(0, 0)
        self._clock = clock
        self._wall = wall
        self._rests_until = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clips")

    async def __aenter__(self) -> Self:
        """Prepare the folder.

        Raises:
            OutputError: it cannot be written to.
        """
        try:
            await self._run(self.folder.prepare)
            await self.sweep()
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=False)

    @property
    def rests(self) -> bool:
        """Whether recording pauses."""
        return bool(self.problem) and self._clock() < self._rests_until

    async def do(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a blocking call in the thread.

        Raises:
            OutputError: the disk refused; from now on recording rests for a while.
        """
        try:
            result = await self._run(partial(call, *args, **kwargs))
        except OSError as error:
            raise self._pause(error) from None
        if self.problem:
            _log.warning("clips are recorded again")
        self.problem = ""
        return result

    async def having(self, events: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Return which of `events` have a clip, and which a picture."""
        return await self._run(partial(self.folder.having, events))

    async def read(self, event: str) -> bytes | None:
        """Return the picture of `event`; None if there is none."""
        try:
            return await self._run(self.folder.file(event, ".jpg").read_bytes)
        except OSError:
            return None

    async def forget(self, file: ClipFile | None) -> None:
        """Delete what there is of a clip that was given up."""
        if file is not None:
            with suppress(OSError):
                await self._run(file.discard)

    async def sweep(self) -> None:
        """Delete what is too old or too much."""
        try:
            self.usage = await self._run(partial(self.folder.sweep, self._wall()))
        except OSError as error:
            _log.warning("old clips cannot be deleted: %s", error)

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _pause(self, error: OSError) -> OutputError:
        self._rests_until = self._clock() + PAUSE
        problem = f"clips cannot be written to {self.folder.path} ({error.strerror or error})"
        if problem != self.problem:
            _log.warning("%s: recording pauses and is tried again every %.0f s; all else goes on", problem, PAUSE)
        self.problem = problem
        return OutputError(problem)
