import json
from collections.abc import AsyncIterator
from dataclasses import replace
from fractions import Fraction

import httpx
import numpy as np
import pytest

from configs.output import EncodingSettings, HttpSettings, WebRtcSettings
from stream.backend import KeyframeThumbnail, Timeline, TimelinePoint
from stream.errors import AddressInUseError
from stream.events import AdaptationEvent
from stream.http.app import LiveSalApp, create_app
from stream.http.server import HttpServer
from stream.http.sse import EventStreams
from stream.metrics import Metrics
from stream.views import VIEWS, ViewHub
from stream.webrtc import WebRtcSessions
from tests.fakes.backend import FakeBackend

SWAP = AdaptationEvent(camera="front", kind="swapped", time=1003.0, media_time=3.0, model_version=2)


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
async def hub() -> AsyncIterator[ViewHub]:
    async with ViewHub(EncodingSettings(width=160), Metrics(), no_signal_after=0.05) as hub:
        hub.add_camera("front")
        yield hub


@pytest.fixture
async def app(backend: FakeBackend, hub: ViewHub) -> AsyncIterator[LiveSalApp]:
    async with WebRtcSessions(hub, WebRtcSettings()) as sessions:
        yield create_app(backend, hub, sessions, Metrics())


@pytest.fixture
async def client(app: LiveSalApp) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://livesal") as client:
        yield client


async def test_health_readiness_and_metrics(client: httpx.AsyncClient, backend: FakeBackend) -> None:
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    assert (await client.get("/readiness")).status_code == 200
    backend.is_ready = False
    unready = await client.get("/readiness")
    assert (unready.status_code, unready.headers["Retry-After"]) == (503, "2")
    metrics = await client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "livesal_mqtt_connected 0.0" in metrics.text


async def test_a_camera_shows_its_state_and_views(client: httpx.AsyncClient, hub: ViewHub) -> None:
    with hub.watch("front", "final", "h264"):
        (listed,) = (await client.get("/api/cameras")).json()
        assert listed == (await client.get("/api/cameras/front")).json()
    assert listed["state"]["source"] == "up"
    assert [view["view"] for view in listed["views"]] == list(VIEWS)
    assert [view["viewers"] for view in listed["views"]] == [0, 0, 0, 0, 1, 0, 0, 0]
    assert listed["views"][4]["whep"] == "/cameras/front/final/whep"


@pytest.mark.parametrize(
    "path",
    [
        "/api/cameras/back",
        "/api/cameras/back/timeline",
        "/api/cameras/back/keyframes",
        "/api/cameras/back/snapshot.jpg",
        "/cameras/back/final/whep",
    ],
)
async def test_an_unknown_camera_is_told_the_known_ones(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "no camera is named 'back'; there are: front"


async def test_an_unknown_view_is_told_the_known_ones(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/cameras/front/snapshot.jpg", params={"view": "infrared"})
    assert answer.status_code == 404
    assert all(view in answer.json()["detail"] for view in VIEWS)


async def test_the_timeline_gives_what_is_newer(client: httpx.AsyncClient, backend: FakeBackend) -> None:
    points = [TimelinePoint(time=1000.0 + n, nr=n / 10, is_keyframe=n < 6, model_version=n // 4) for n in range(8)]
    backend.line = Timeline(threshold=0.6, points=points, marks=[SWAP])
    whole = (await client.get("/api/cameras/front/timeline")).json()
    assert len(whole["points"]) == 8
    assert whole["points"][5] == {"time": 1005.0, "nr": 0.5, "is_keyframe": True, "model_version": 1}
    assert whole["marks"][0]["kind"] == "swapped"
    newer = (await client.get("/api/cameras/front/timeline", params={"since": 1005.0})).json()
    assert [point["time"] for point in newer["points"]] == [1006.0, 1007.0]
    assert (newer["threshold"], newer["marks"]) == (0.6, [])


async def test_the_timeline_gives_figures_of_every_kind(client: httpx.AsyncClient, backend: FakeBackend) -> None:
    details = {"keyframes": 8, "seconds": 2.5, "reason": "killed"}
    backend.line = Timeline(threshold=0.6, points=[], marks=[replace(SWAP, details=details)])
    whole = (await client.get("/api/cameras/front/timeline")).json()
    assert whole["marks"][0]["details"] == details


async def test_keyframes_are_listed_and_shown(client: httpx.AsyncClient, backend: FakeBackend) -> None:
    backend.window = [KeyframeThumbnail(id=7, media_time=1.5, nr=0.3, jpeg=b"\xff\xd8\xffpicture")]
    (listed,) = (await client.get("/api/cameras/front/keyframes")).json()
    assert listed == {"id": 7, "media_time": 1.5, "nr": 0.3, "url": "/api/cameras/front/keyframes/7.jpg"}
    picture = await client.get(listed["url"])
    assert (picture.headers["content-type"], picture.content) == ("image/jpeg", b"\xff\xd8\xffpicture")
    gone = await client.get("/api/cameras/front/keyframes/8.jpg")
    assert gone.status_code == 404
    assert "may have been replaced" in gone.json()["detail"]


async def test_a_snapshot_is_a_jpeg_or_says_that_there_is_no_signal(client: httpx.AsyncClient, hub: ViewHub) -> None:
    silent = await client.get("/api/cameras/front/snapshot.jpg")
    assert (silent.status_code, silent.headers["Retry-After"]) == (409, "2")
    hub.publish("front", "overlay", np.zeros((90, 160, 3), np.uint8), 0, Fraction(1, 30))
    shown = await client.get("/api/cameras/front/snapshot.jpg")
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.content.startswith(b"\xff\xd8\xff")


async def test_adaptation_takes_orders(client: httpx.AsyncClient, backend: FakeBackend) -> None:
    assert (await client.post("/api/cameras/front/adaptation", json={"command": "reset"})).status_code == 202
    refused = await client.post("/api/cameras/front/adaptation", json={"command": "explode"})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert "'reset', 'force', 'on' or 'off'" in refused.json()["detail"]
    assert backend.commands == [("front", "reset")]


async def test_the_openapi_document_tells_the_state_and_the_page_is_there(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    state = document["components"]["schemas"]["CameraState"]["properties"]
    assert {"camera", "nr", "phase", "swaps"} <= state.keys()
    assert "/cameras/{camera}/{view}/whep" in document["paths"]
    page = await client.get("/")
    assert "<title>livesal</title>" in page.text
    for name in ("style.css", "app.js"):
        assert (await client.get(f"/preview/{name}")).status_code == 200


async def test_events_come_as_they_happen(backend: FakeBackend) -> None:
    backend.recent = [SWAP]
    streams = EventStreams(backend, heartbeat=0.01)
    lines = streams.stream()
    assert await anext(lines) == "retry: 2000\n\n"
    name, content = (await anext(lines)).splitlines()[:2]
    assert name == "event: adaptation"
    assert json.loads(content.removeprefix("data: "))["type"] == "swapped"
    assert (await anext(lines)).startswith('event: state\ndata: {"camera":"front"')
    assert await anext(lines) == ": still here\n\n"
    await backend.tell(backend.camera("front"))
    assert (await anext(lines)).startswith("event: state")
    await streams.close()
    assert [line async for line in lines] == []
    assert backend.channels == []


async def test_the_server_serves_and_ends_open_event_streams(app: LiveSalApp, backend: FakeBackend) -> None:
    async with httpx.AsyncClient() as client:
        async with HttpServer(app, HttpSettings(port=0)) as server:
            assert (await client.get(f"{server.url}/healthz")).status_code == 200
            stream = client.stream("GET", f"{server.url}/api/events")
            answer = await stream.__aenter__()
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.aiter_lines()
            assert await anext(lines) == "retry: 2000"
            assert len(backend.channels) == 1
        assert [line async for line in lines if line.startswith("event")] == ["event: state"]
        await stream.__aexit__(None, None, None)
    assert backend.channels == []


async def test_a_taken_port_is_said_plainly(app: LiveSalApp) -> None:
    async with HttpServer(app, HttpSettings(port=0)) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(AddressInUseError, match=rf"port {port} of 127\.0\.0\.1 is in use.*choose another"):
            await HttpServer(app, HttpSettings(port=port)).__aenter__()
