"""The history in real SQLite files: what is kept, found, dropped, and what survives."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from configs.events import EventSettings
from stream.errors import OutputError
from stream.events import AdaptationEvent, CameraState, RegionEvent
from stream.history.database import EventDatabase
from stream.history.entries import Entry, Query, read_cursor, write_cursor
from stream.history.history import EventHistory
from tests.fakes.region_events import region_at
from tests.fakes.waiting import until

START = 1_700_000_000.0
DAY = 86_400.0


def region(number: int, kind: Any = "end", camera: str = "door", zones: tuple[str, ...] = ()) -> RegionEvent:
    """Return event `number`, which begins `number` seconds after START and lasts half a second."""
    return region_at(START + number, kind, camera=camera, zones=zones, suffix=f"{number:06d}")


def swapped(number: int, kind: Any = "swapped") -> AdaptationEvent:
    return AdaptationEvent(camera="door", kind=kind, time=START + number, media_time=9.5, model_version=1)


def settings(path: Path | None = None, **others: Any) -> EventSettings:
    return EventSettings.model_validate({"database": path} | others)


def history(path: Path | None = None, now: float = START, **others: Any) -> EventHistory:
    return EventHistory(settings(path, **others), wall=lambda: now)


async def asked(of: EventHistory, **query: Any) -> list[Entry]:
    await of.flush()
    return list((await of.page(Query(**query))).entries)


def numbers(entries: list[Entry]) -> list[int]:
    return [round(entry.start_time - START) for entry in entries]


def moved_in(folder: Path) -> list[Path]:
    return list(folder.glob("events.sqlite.corrupt-*"))


async def test_a_region_is_one_entry_that_follows_its_steps() -> None:
    async with history() as kept:
        kept.record(region(1, "new"))
        kept.record(region(1, "update", zones=("yard",)))
        (open_one,) = await asked(kept)
        kept.record(region(1, "end", zones=("yard", "drive")))
        (entry,) = await asked(kept)
    assert (open_one.end_time, open_one.zones) == (None, ("yard",))
    assert (entry.id, entry.type, entry.camera) == (f"{START + 1}-000001", "region", "door")
    assert (entry.start_time, entry.end_time) == (START + 1, START + 1.5)
    assert entry.zones == ("yard", "drive"), "in the order in which they were entered"
    assert entry.details["box"] == [10, 20, 110, 70]


async def test_what_can_be_asked_for() -> None:
    async with history() as kept:
        for number in range(4):
            camera = "door" if number % 2 else "yard"
            kept.record(region(number, camera=camera, zones=("drive",) if number < 2 else ()))
        kept.record(swapped(4))
        kept.record(swapped(5, "rejected"))
        kept.record(swapped(6, "keyframe"))
        kept.record(CameraState(camera="door", time=START, source="up"))
        assert numbers(await asked(kept)) == [5, 4, 3, 2, 1, 0]
        assert numbers(await asked(kept, camera="door")) == [5, 4, 3, 1]
        assert numbers(await asked(kept, type="region")) == [3, 2, 1, 0]
        assert numbers(await asked(kept, type="swapped")) == [4]
        assert numbers(await asked(kept, type="adaptation")) == [5, 4]
        assert numbers(await asked(kept, zone="drive")) == [1, 0]
        assert numbers(await asked(kept, after=START + 1, before=START + 4)) == [3, 2]
        assert await asked(kept, camera="door", zone="elsewhere") == []


async def test_pages_meet_without_overlap_while_new_events_come() -> None:
    async with history() as kept:
        for number in range(5):
            kept.record(region(number))
        await kept.flush()
        first = await kept.page(Query(limit=2))
        assert first.position is not None
        kept.record(region(9))
        await kept.flush()
        second = await kept.page(Query(limit=2, position=read_cursor(write_cursor(first.position))))
        third = await kept.page(Query(limit=2, position=second.position))
    assert [numbers(list(page.entries)) for page in (first, second, third)] == [[4, 3], [2, 1], [0]]
    assert third.position is None


@pytest.mark.parametrize("cursor", ["", "!!", "bm90IGpzb24", "WzFd", "e30", "ü"])
def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match="is no cursor of this history"):
        read_cursor(cursor)


async def test_a_restart_keeps_the_history_and_ends_what_was_open(tmp_path: Path) -> None:
    path = tmp_path / "new" / "events.sqlite"
    async with history(path) as kept:
        kept.record(region(1, "end", zones=("drive",)))
        kept.record(region(2, "new"))
    async with history(path) as again:
        open_one, ended = await asked(again)
    assert (ended.zones, ended.end_time) == (("drive",), START + 1.5)
    assert open_one.end_time == START + 2.5, "when it was seen last"


async def test_old_events_and_too_many_leave(tmp_path: Path) -> None:
    async with history(tmp_path / "a.sqlite", now=START + 3 * DAY + 2.5, days=3, most=100) as kept:
        for number in range(5):
            kept.record(region(number, zones=("drive",)))
        assert numbers(await asked(kept)) == [4, 3]
    async with history(tmp_path / "b.sqlite", most=2) as kept:
        for number in range(5):
            kept.record(region(number, zones=("drive",)))
        assert numbers(await asked(kept)) == [4, 3]
    with sqlite3.connect(tmp_path / "b.sqlite") as database:
        assert database.execute("SELECT count(*) FROM zones").fetchone() == (2,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


@pytest.mark.parametrize("content", [b"this is no database at all, but long enough to be looked at" * 40, b"torn"])
async def test_a_damaged_file_is_moved_aside_and_said(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "events.sqlite"
    path.write_bytes(content)
    async with history(path) as kept:
        kept.record(region(1))
        assert numbers(await asked(kept)) == [1]
    (moved,) = moved_in(tmp_path)
    assert moved.read_bytes() == content
    assert str(moved) in caplog.text


async def test_a_file_damaged_while_it_is_in_use_is_moved_aside_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with history(tmp_path / "events.sqlite") as kept:
        kept.record(region(1))
        await kept.flush()
        real, failed = EventDatabase.put, []

        def put(self: EventDatabase, entries: Any) -> None:
            if not failed:
                failed.append(entries)
                message = "database disk image is malformed"
                raise sqlite3.DatabaseError(message)
            real(self, entries)

        monkeypatch.setattr(EventDatabase, "put", put)
        kept.record(region(2))
        assert numbers(await asked(kept)) == [2]
        assert kept.problem == ""
    assert len(moved_in(tmp_path)) == 1
    assert "was damaged" in caplog.text


async def test_a_full_disk_loses_entries_with_a_word_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def put(_: EventDatabase, __: Any) -> None:
        message = "database or disk is full"
        raise sqlite3.OperationalError(message)

    async with history() as kept:
        with monkeypatch.context() as patch:
            patch.setattr(EventDatabase, "put", put)
            kept.record(region(1))
            await kept.flush()
            kept.record(region(2))
            await kept.flush()
        assert kept.problem == "events are not kept (database or disk is full)"
        assert kept.dropped == {"refused": 2}
        assert caplog.text.count("disk is full") == 1
        kept.record(region(3))
        assert numbers(await asked(kept)) == [3]
        assert kept.problem == ""


async def test_a_queue_that_overflows_drops_its_oldest() -> None:
    async with history() as kept:
        for number in range(1003):
            kept.record(region(number))
        assert kept.dropped == {"overflow": 3}
        assert numbers(await asked(kept, limit=2)) == [1002, 1001]


async def test_the_writer_writes_by_itself_until_it_is_stopped() -> None:
    async with history() as kept, asyncio.TaskGroup() as tasks:
        tasks.create_task(kept.run(), name="history")
        kept.record(region(1))
        await until(lambda: not kept._waiting)
        assert numbers([*(await kept.page(Query())).entries]) == [1]
        kept.stop()


async def test_a_file_of_a_newer_livesal_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(OutputError, match=r"newer livesal \(version 99"):
        await history(path).__aenter__()


async def test_a_path_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"events\.database .* cannot be opened"):
        await history(tmp_path / "file" / "events.sqlite").__aenter__()
    with pytest.raises(OutputError, match=r"events\.database .* cannot be opened"):
        await history(tmp_path).__aenter__()
