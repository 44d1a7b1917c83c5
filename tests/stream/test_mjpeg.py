import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from fractions import Fraction

import cv2
import httpx
import numpy as np
import pytest

from configs.output import EncodingSettings, HttpSettings, WebRtcSettings
from stream import views
from stream.errors import TooManyViewersError, UnknownNameError
from stream.http.app import Extension, create_app
from stream.http.mjpeg import BOUNDARY, mjpeg_router
from stream.http.server import HttpServer
from stream.metrics import Metrics
from stream.mjpeg import MjpegStreams, Still
from stream.render import Image
from stream.views import ViewHub
from stream.webrtc import WebRtcSessions
from tests.fakes.backend import FakeBackend
from tests.fakes.waiting import until

SETTINGS = HttpSettings(port=0, maximum_streams=2)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def hub(metrics: Metrics) -> AsyncIterator[ViewHub]:
    async with ViewHub(EncodingSettings(width=160), metrics) as hub:
        hub.add_camera("front")
        yield hub


@pytest.fixture
async def streams(hub: ViewHub, metrics: Metrics) -> AsyncIterator[MjpegStreams]:
    async with MjpegStreams(hub, SETTINGS, metrics, no_signal_after=30) as streams:
        yield streams


def publish(hub: ViewHub, number: int) -> None:
    hub.publish("front", "final", np.full((90, 160, 3), number, np.uint8), number, Fraction(1, 10))


def level(still: Still) -> int:
    decoded = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return round(float(decoded.mean()))


def still_streams(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("livesal_mjpeg_streams", {"camera": "front", "view": "final"})


async def test_a_picture_is_coded_once_for_all_and_only_where_somebody_looks(
    hub: ViewHub, streams: MjpegStreams, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    coded = []
    code = views.jpeg

    def count(image: Image) -> bytes:
        coded.append(image)
        return code(image)

    monkeypatch.setattr(views, "jpeg", count)
    assert hub.wanted("front") == frozenset()
    async with aclosing(streams.stream("front", "final")) as one, aclosing(streams.stream("front", "final")) as two:
        for number in (50, 100):
            both = asyncio.gather(anext(one), anext(two))
            await until(lambda: hub.wanted("front") == {"final"} and len(streams) == 2)
            publish(hub, number)
            first, second = await both
            assert first is second
            assert (level(first), first.media_time) == (number, number / 10)
        assert (len(coded), still_streams(metrics)) == (2, 2)
        with pytest.raises(TooManyViewersError, match=r"all 2 places.*maximum_streams"):
            await anext(streams.stream("front", "final"))
    await until(lambda: hub.wanted("front") == frozenset())
    assert still_streams(metrics) == 0


async def test_a_slow_client_misses_pictures_and_holds_nobody_up(
    hub: ViewHub, streams: MjpegStreams, metrics: Metrics
) -> None:
    async with aclosing(streams.stream("front", "final")) as slow, aclosing(streams.stream("front", "final")) as quick:
        waiting = asyncio.gather(anext(slow), anext(quick))
        await until(lambda: len(streams) == 2 and bool(hub.wanted("front")))
        publish(hub, 10)
        await waiting
        for number in (20, 30, 40):
            publish(hub, number)
            assert level(await anext(quick)) == number
        assert level(await anext(slow)) == 40, "the newest, not the oldest"
    drops = {"camera": "front", "reason": "slow-client"}
    assert metrics.registry.get_sample_value("livesal_frames_dropped_total", drops) == 2


async def test_silence_shows_a_card_and_a_camera_that_goes_ends_the_stream(hub: ViewHub, metrics: Metrics) -> None:
    async with MjpegStreams(hub, SETTINGS, metrics, no_signal_after=0.01) as streams:
        async with aclosing(streams.stream("front", "final")) as stills:
            card = await anext(stills)
            assert card.media_time is None
            assert card.jpeg.startswith(b"\xff\xd8\xff")
            hub.remove_camera("front")
            assert [still async for still in stills if still.media_time is not None] == []
        with pytest.raises(UnknownNameError):
            await anext(streams.stream("front", "final"))


async def test_a_client_reads_parts_and_the_end_of_the_server_ends_them(
    hub: ViewHub, streams: MjpegStreams, metrics: Metrics
) -> None:
    extension = Extension(mjpeg_router(streams), streams.close)
    async with WebRtcSessions(hub, WebRtcSettings()) as sessions, httpx.AsyncClient() as client:
        app = create_app(FakeBackend(), hub, sessions, metrics, extensions=[extension])
        async with HttpServer(app, SETTINGS) as server:
            for path, status in [("back/final", 404), ("front/infrared", 404)]:
                assert (await client.get(f"{server.url}/cameras/{path}.mjpeg")).status_code == status
            opened = client.stream("GET", f"{server.url}/cameras/front/final.mjpeg")
            answer = await opened.__aenter__()
            assert answer.headers["Content-Type"] == f"multipart/x-mixed-replace; boundary={BOUNDARY}"
            await until(lambda: bool(hub.wanted("front")))
            publish(hub, 70)
            content = b""
            chunks = answer.aiter_bytes()
            while not content.endswith(b"\xff\xd9\r\n"):
                content += await anext(chunks)
            head, _, picture = content.partition(b"\r\n\r\n")
            assert head.splitlines()[0] == f"--{BOUNDARY}".encode()
            assert b"Content-Type: image/jpeg" in head
            assert b"X-Livesal-Media-Time: 7.000000" in head
            assert f"Content-Length: {len(picture) - 2}".encode() in head
            assert level(Still(picture, 7.0)) == 70
        assert [chunk async for chunk in chunks][-1] == f"--{BOUNDARY}--\r\n".encode()
        await opened.__aexit__(None, None, None)
