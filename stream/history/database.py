"""The SQLite file of the history. Its calls block and belong to one thread."""

import json
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from stream.errors import OutputError
from stream.history.entries import ADAPTATION, REGION, Entry, Page, Query

VERSION: Final = 1
"""Of the tables; kept in the file as its user version."""

_TABLES: Final = """
CREATE TABLE events (
    id TEXT PRIMARY KEY,
    camera TEXT NOT NULL,
    type TEXT NOT NULL,
    start REAL NOT NULL,
    finish REAL,
    seen REAL NOT NULL,
    details TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX events_by_start ON events (start, id);
CREATE INDEX events_by_camera ON events (camera, start, id);
CREATE TABLE zones (
    event TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    zone TEXT NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (event, zone)
) WITHOUT ROWID;
CREATE INDEX zones_by_name ON zones (zone, event);
"""
_PUT: Final = """
INSERT INTO events VALUES (:id, :camera, :type, :start, :finish, :seen, :details)
ON CONFLICT (id) DO UPDATE SET finish = excluded.finish, seen = excluded.seen, details = excluded.details
"""
_PUT_ZONE: Final = "INSERT OR IGNORE INTO zones VALUES (?, ?, ?)"
_PAGE: Final = """
SELECT id, camera, type, start, finish, seen, details,
       (SELECT json_group_array(zone) FROM (SELECT zone FROM zones WHERE event = id ORDER BY place))
FROM events
WHERE (:camera IS NULL OR camera = :camera)
  AND (:type IS NULL OR type = :type OR (:type = :adaptation AND type <> :region))
  AND (:zone IS NULL OR id IN (SELECT event FROM zones WHERE zone = :zone))
  AND (:after IS NULL OR start > :after)
  AND (:before IS NULL OR start < :before)
  AND (:start IS NULL OR (start, id) < (:start, :id))
ORDER BY start DESC, id DESC
LIMIT :limit
"""
_DROP_OLD: Final = "DELETE FROM events WHERE start < ?"
_DROP_MANY: Final = (
    "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY start DESC, id DESC LIMIT -1 OFFSET ?)"
)
_END_OPEN: Final = "UPDATE events SET finish = seen WHERE finish IS NULL"


class EventDatabase:
    """Entries in a SQLite file, or in memory.

    Attributes:
        moved: where a file that was damaged has been moved; None if that did not happen.
    """

    def __init__(self, path: Path | None) -> None:
        """Open the database at `path`, None in memory; a damaged one is moved aside and a new one begun.

        Raises:
            OutputError: it cannot be opened, or a newer livesal wrote it.
        """
        self.moved: Path | None = None
        self._path = path
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._open()
        except OSError as error:
            raise self._failure(error.strerror or str(error)) from None
        except sqlite3.Error as error:
            if not is_damage(error):
                raise self._failure(str(error)) from None
            self.start_anew()

    def start_anew(self) -> None:
        """Move the damaged file aside and begin a new one.

        Raises:
            OutputError: that is not possible.
        """
        self.close()
        try:
            if self._path is not None:
                self.moved = self._path.with_name(f"{self._path.name}.corrupt-{time.time():.0f}")
                self._path.replace(self.moved)
                for ending in ("-wal", "-shm"):
                    self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
            self._connection = self._open()
        except (OSError, sqlite3.Error) as error:
            raise self._failure(str(error)) from None

    def put(self, entries: Sequence[Entry]) -> None:
        """Add entries; one that is there already takes what is new.

        Raises:
            sqlite3.Error: they cannot be written.
        """
        with self._connection:
            for entry in entries:
                self._connection.execute(
                    _PUT,
                    {
                        "id": entry.id,
                        "camera": entry.camera,
                        "type": entry.type,
                        "start": entry.start_time,
                        "finish": entry.end_time,
                        "seen": entry.seen_time,
                        "details": json.dumps(entry.details),
                    },
                )
                rows = [(entry.id, zone, place) for place, zone in enumerate(entry.zones)]
                self._connection.executemany(_PUT_ZONE, rows)

    def page(self, query: Query) -> Page:
        """Return the entries that are asked for, the newest first.

        Raises:
            sqlite3.Error: they cannot be read.
        """
        start, name = query.position or (None, None)
        values = {
            "camera": query.camera,
            "type": query.type,
            "zone": query.zone,
            "after": query.after,
            "before": query.before,
            "start": start,
            "id": name,
            "limit": query.limit + 1,
            "adaptation": ADAPTATION,
            "region": REGION,
        }
        rows = self._connection.execute(_PAGE, values).fetchall()
        entries = tuple(_entry(row) for row in rows[: query.limit])
        more = len(rows) > query.limit
        return Page(entries, (entries[-1].start_time, entries[-1].id) if more else None)

    def prune(self, before: float, most: int) -> None:
        """Delete what began before unix time `before`, and all but the newest `most`.

        Raises:
            sqlite3.Error: they cannot be deleted.
        """
        with self._connection:
            self._connection.execute(_DROP_OLD, (before,))
            self._connection.execute(_DROP_MANY, (most,))

    def close(self) -> None:
        """Close the file."""
        connection: sqlite3.Connection | None = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path or ":memory:")
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            _check(connection)
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables of a new file; end what was open when the last process ended.

        Raises:
            OutputError: a newer livesal wrote it.
        """
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            message = (
                f"events.database {self._path} was written by a newer livesal (version {version} of its tables, "
                f"this one knows {VERSION}): use that one, or another file"
            )
            raise OutputError(message)
        if version == 0:
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT")
        with connection:
            connection.execute(_END_OPEN)

    def _failure(self, reason: str) -> OutputError:
        return OutputError(f"events.database {self._path} cannot be opened ({reason}): choose another file")


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether `error` says that the file itself is damaged, and not that this or that cannot be done."""
    return type(error) is sqlite3.DatabaseError


def _check(connection: sqlite3.Connection) -> None:
    """Do nothing if the file is sound.

    Raises:
        sqlite3.DatabaseError: it is not.
    """
    (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if state != "ok":
        raise sqlite3.DatabaseError(state)


def _entry(row: Sequence[Any]) -> Entry:
    name, camera, kind, start, finish, seen, details, zones = row
    return Entry(
        id=name,
        camera=camera,
        type=kind,
        start_time=start,
        end_time=finish,
        seen_time=seen,
        zones=tuple(json.loads(zones)),
        details=json.loads(details),
    )
