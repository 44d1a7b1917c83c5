"""The history over HTTP, with a real archive behind it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from configs.events import EventSettings, Watched
from configs.output import EncodingSettings, WebRtcSettings
from stream.event_archive import EventArchive
from stream.events import AdaptationEvent, RegionEvent
from stream.http.app import Extension, create_app
from stream.http.history import history_router
from stream.metrics import Metrics
from stream.views import ViewHub
from stream.webrtc import WebRtcSessions
from tests.fakes.backend import FakeBackend
from tests.fakes.clips import numbered_frame, numbers_in
from tests.fakes.region_events import region_at
from tests.fakes.waiting import until

START = float(round(time.time()) - 1000)
"""Young enough for the history to keep it."""


@dataclass
class Edge:
    """An API over an archive that hears what `backend` tells."""

    client: httpx.AsyncClient
    archive: EventArchive
    backend: FakeBackend

    async def history(self, **query: Any) -> dict[str, Any]:
        answer = await self.client.get("/api/events/history", params=query)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    async def starts(self, **query: Any) -> list[int]:
        return [round(event["start_time"] - START) for event in (await self.history(**query))["events"]]


@asynccontextmanager
async def edge_with(**events: Any) -> AsyncIterator[Edge]:
    backend, metrics = FakeBackend(), Metrics()
    async with (
        ViewHub(EncodingSettings(width=160), metrics) as hub,
        WebRtcSessions(hub, WebRtcSettings()) as sessions,
        EventArchive(EventSettings.model_validate(events), metrics) as archive,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(archive.run(backend.subscribe), name="archive")
        await until(lambda: bool(backend.channels))
        app = create_app(backend, hub, sessions, metrics, extensions=(Extension(history_router(archive)),))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://livesal") as client:
            yield Edge(client, archive, backend)
        for channel in backend.channels:
            await channel.close()


def region(number: int, kind: Any = "end", zones: tuple[str, ...] = ()) -> RegionEvent:
    """Return event `number`, which begins `number` seconds after START and lasts half a second."""
    return region_at(START + number, kind, zones=zones, suffix=f"{number:06d}")


async def kept(edge: Edge, number: int) -> None:
    """Wait until `number` events are in the history; the test's time limit bounds it."""
    while len((await edge.history(limit=200))["events"]) < number:  # noqa: ASYNC110 - a database sets no event
        await asyncio.sleep(0.005)


async def test_the_history_is_asked_by_page_and_by_filter() -> None:
    async with edge_with() as edge:
        for number in range(3):
            await edge.backend.tell(region(number, zones=("drive",) if number else ()))
        swap = AdaptationEvent(camera="front", kind="swapped", time=START + 3, media_time=3.0, model_version=2)
        await edge.backend.tell(swap)
        await kept(edge, 4)
        first = await edge.history(limit=3)
        assert [event["type"] for event in first["events"]] == ["swapped", "region", "region"]
        assert await edge.starts(cursor=first["cursor"]) == [0]
        assert (await edge.history(cursor=first["cursor"]))["cursor"] is None
        assert await edge.starts(zone="drive") == [2, 1]
        assert await edge.starts(type="region", after=START, before=START + 2) == [1]
        assert await edge.starts(camera="other") == []
        newest = first["events"][1]
    assert newest["id"] == f"{START + 2}-000002"
    assert (newest["end_time"], newest["zones"], newest["clip"], newest["snapshot"]) == (
        START + 2.5,
        ["drive"],
        None,
        None,
    )
    assert newest["details"]["top_score"] == 0.8


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("cursor=nonsense", 400, "no cursor of this history"),
        ("limit=0", 422, "limit"),
        ("limit=1000", 422, "limit"),
        ("after=yesterday", 422, "after"),
        ("before=nan", 422, "before"),
    ],
)
async def test_what_cannot_be_asked_is_said(query: str, status: int, words: str) -> None:
    async with edge_with() as edge:
        answer = await edge.client.get(f"/api/events/history?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]


async def test_pictures_are_there_without_a_folder() -> None:
    async with edge_with() as edge:
        event = region(1, "new")
        await edge.archive.keep_picture(event.after.id, b"\xff\xd8one")
        await edge.backend.tell(event)
        await kept(edge, 1)
        (found,) = (await edge.history())["events"]
        picture = await edge.client.get(found["snapshot"])
        assert (picture.content, picture.headers["content-type"]) == (b"\xff\xd8one", "image/jpeg")
        for number in range(200):
            await edge.archive.keep_picture(f"{number}.5-aaaaaa", b"")
        assert (await edge.client.get(found["snapshot"])).status_code == 404, "the last 200 are held"
        storage = (await edge.client.get("/api/events/storage")).json()
    assert storage == {
        "history_problem": "",
        "history_dropped": 0,
        "recording": False,
        "clips": 0,
        "clips_bytes": 0,
        "clips_problem": "",
    }


@pytest.mark.parametrize("name", ["1.5-aaaaaa", "..%2f..%2fetc%2fpasswd", "%00", "a" * 300])
async def test_files_that_are_not_there_are_not_found(tmp_path: Path, name: str) -> None:
    async with edge_with(clips={"folder": tmp_path}) as edge:
        for file in ("clip.mp4", "snapshot.jpg"):
            answer = await edge.client.get(f"/api/events/{name}/{file}")
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"


async def test_a_clip_is_recorded_from_frames_and_served_in_parts(tmp_path: Path) -> None:
    async with edge_with(clips={"folder": tmp_path, "before": 1, "after": 0, "free": 0}) as edge:
        assert edge.archive.ring("front", Watched()) is not None
        recorder = edge.archive._recorders["front"]
        for number in range(40):
            edge.archive.offer("front", numbered_frame(number))
            await recorder._coding  # type: ignore[misc]
        # frames carry media time as their arrival: the recorder's clock is theirs
        recorder._clock, recorder._wall = lambda: 1.6, lambda: START + 1.6
        event = region(0, "new")
        await edge.archive.keep_picture(event.after.id, b"\xff\xd8one")
        await edge.backend.tell(event)
        await edge.backend.tell(region(0, "end"))
        await until(lambda: edge.archive.storage().clips == 1)
        (found,) = (await edge.history())["events"]
        whole = await edge.client.get(found["clip"])
        part = await edge.client.get(found["clip"], headers={"Range": "bytes=4-7"})
        await until((tmp_path / f"{event.after.id}.jpg").exists)
        edge.archive._pictures.clear()
        assert (await edge.client.get(found["snapshot"])).content == b"\xff\xd8one", "from the folder"
        storage = edge.archive.storage()
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert whole.headers["content-type"] == "video/mp4"
    (tmp_path / "got.mp4").write_bytes(whole.content)
    assert numbers_in(tmp_path / "got.mp4") == list(range(13)), "half a second, and the frame at its end"
    assert storage.clips_bytes >= len(whole.content)


async def test_a_camera_may_be_left_out_of_recording(tmp_path: Path) -> None:
    async with edge_with(clips={"folder": tmp_path}) as edge:
        assert edge.archive.ring("front", Watched.model_validate({"events": {"clips": False}})) is None
        assert edge.archive.ring("back", Watched()) is not None
        edge.archive.forget("back")
        edge.archive.forget("back")
    async with edge_with() as edge:
        assert edge.archive.ring("front", Watched()) is None, "there is no folder"
