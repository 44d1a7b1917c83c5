"""Events to a file, one a line; a full file is put aside."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from logging.handlers import RotatingFileHandler
from types import TracebackType
from typing import Final, Self

from configs.events import JsonLinesSettings
from stream.cloud_events import written
from stream.errors import OutputError
from stream.events import Event
from stream.sinks.feed import Delivery

_MEGABYTE: Final = 1_000_000

_log = logging.getLogger("livesal.events")


class _Lines(RotatingFileHandler):
    """The standard library's rotation, with errors that are raised instead of printed."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the signature is logging's
        raise  # noqa: PLE0704 - called while the error is handled


class JsonLines:
    """A sink that appends to a file, in a thread of its own.

    Attributes:
        name: `json-lines`.
        filter: which events it gets.
        queue: events that wait for the disk.
        problem: why the last event was not written; empty if it was.
    """

    name = "json-lines"
    queue = 1000

    def __init__(self, settings: JsonLinesSettings) -> None:
        """Describe the file; nothing is opened yet."""
        self.filter = settings
        self.problem = ""
        self._settings = settings
        self._lines: _Lines | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="json-lines")

    async def __aenter__(self) -> Self:
        """Open the file.

        Raises:
            OutputError: it cannot be written to.
        """
        try:
            await self._call(self._begin)
        except OSError as error:
            self._thread.shutdown(wait=False)
            message = f"events.json_lines.path {self._settings.path} cannot be written ({error.strerror or error})"
            raise OutputError(message) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._call(self._close)
        self._thread.shutdown(wait=False)

    async def deliver(self, event: Event) -> Delivery:
        """Append one event; a disk that refuses it loses it, and the next one is tried again."""
        text = written(event, self.filter.format)
        try:
            await self._call(partial(self._append, text))
        except OSError as error:
            problem = f"{self._settings.path}: events cannot be written ({error.strerror or error})"
            if problem != self.problem:
                _log.warning("%s; they are lost, all else goes on", problem)
            self.problem = problem
            return "refused"
        self.problem = ""
        return "delivered"

    def _open(self) -> _Lines:
        self._settings.path.parent.mkdir(parents=True, exist_ok=True)
        size = max(1, round(self._settings.megabytes * _MEGABYTE))
        return _Lines(self._settings.path, maxBytes=size, backupCount=self._settings.files, encoding="utf-8")

    def _begin(self) -> _Lines:
        self._lines = self._lines or self._open()
        return self._lines

    def _append(self, text: str) -> None:
        lines = self._begin()
        try:
            lines.emit(logging.LogRecord("", logging.INFO, "", 0, text, None, None))
        except OSError:
            self._close()  # with what it could not write; the next event opens it anew
            raise

    def _close(self) -> None:
        lines, self._lines = self._lines, None
        if lines is not None:
            try:
                lines.close()
            except OSError as error:
                _log.debug("%s: %s", self._settings.path, error)

    async def _call(self, call: Callable[[], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, call)
