"""The history as the event loop sees it: events go in without waiting, pages come out."""

import asyncio
import logging
import sqlite3
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Final, Self, TypeVar

from configs.events import EventSettings
from stream.errors import OutputError
from stream.events import Event
from stream.history.database import EventDatabase, is_damage
from stream.history.entries import Entry, Page, Query, entry_of

T = TypeVar("T")

_QUEUE: Final = 1000
"""Entries that wait to be written; beyond that the oldest is dropped and counted."""

_PRUNE: Final = 3600.0
"""Seconds between two looks for what is too old."""

_DAY: Final = 86_400.0

_log = logging.getLogger("livesal.history")


class EventHistory:
    """Keeps events in a database of its own thread. All methods belong to one event loop.

    Attributes:
        problem: why events are not kept now, in one line; empty while they are.
        dropped: entries that were never written, by cause: `overflow`, `refused`.
    """

    def __init__(self, settings: EventSettings, *, wall: Callable[[], float] = time.time) -> None:
        """Make a history that is not open yet; `wall` gives unix seconds."""
        self.problem = ""
        self.dropped: Counter[str] = Counter()
        self._settings = settings
        self._wall = wall
        self._waiting: deque[Entry] = deque()
        self._filled = asyncio.Event()
        self._stopping = False
        self._database: EventDatabase
        self._pruned = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")

    async def __aenter__(self) -> Self:
        """Open the database.

        Raises:
            OutputError: it cannot be opened.
        """
        try:
            self._database = await self._call(partial(EventDatabase, self._settings.database))
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        if self._database.moved is not None:
            self._tell_moved()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.flush()
        await self._call(self._database.close)
        self._thread.shutdown(wait=False)

    def record(self, event: Event) -> None:
        """Keep `event`, if it is of the kind that is kept; never waits."""
        entry = entry_of(event)
        if entry is None:
            return
        self._waiting.append(entry)
        if len(self._waiting) > _QUEUE:
            self._waiting.popleft()
            self.dropped["overflow"] += 1
        self._filled.set()

    async def page(self, query: Query) -> Page:
        """Return what is asked for.

        Raises:
            OutputError: the database cannot be read.
        """
        try:
            return await self._call(partial(self._database.page, query))
        except sqlite3.Error as error:
            message = f"the history of events cannot be read ({error})"
            raise OutputError(message) from None

    async def run(self) -> None:
        """Write what is recorded until `stop`."""
        while not self._stopping:
            await self._filled.wait()
            await self.flush()

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping = True
        self._filled.set()

    async def flush(self) -> None:
        """Write what waits, and now and then delete what is too old."""
        self._filled.clear()
        entries, now = tuple(self._waiting), self._wall()
        self._waiting.clear()
        due = now - self._pruned >= _PRUNE
        self._pruned = now if due else self._pruned
        if not entries and not due:
            return
        try:
            await self._call(partial(self._write, entries, now if due else None))
        except (sqlite3.Error, OutputError) as error:
            self.dropped["refused"] += len(entries)
            self._report(str(error))
        else:
            self.problem = ""

    def _write(self, entries: tuple[Entry, ...], prune_at: float | None) -> None:
        """Write `entries` in the thread; a file that proves damaged is moved aside, and they go into the new one."""
        try:
            self._database.put(entries)
            if prune_at is not None:
                self._database.prune(prune_at - self._settings.days * _DAY, self._settings.most)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            self._database.start_anew()
            self._tell_moved()
            self._database.put(entries)

    def _tell_moved(self) -> None:
        _log.warning(
            "events.database %s was damaged: it is moved to %s, and a new history begins",
            self._settings.database,
            self._database.moved,
        )

    def _report(self, reason: str) -> None:
        """Say why events are not kept, once until that changes."""
        problem = f"events are not kept ({reason})"
        if problem != self.problem:
            _log.warning("%s; all else goes on", problem)
        self.problem = problem

    async def _call(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
