import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.responses import JSONResponse, Response

from configs.output import EncodingSettings, WebRtcSettings
from configs.webrtc import PushSettings
from stream.backoff import Backoff
from stream.metrics import Metrics
from stream.push import RECONNECT, Push
from stream.views import ViewHub
from tests.fakes.waiting import Pauses
from tests.fakes.whip_server import WhipServer

pytestmark = pytest.mark.usefixtures("loopback")

URL = "http://sfu.test:8889/whip/stream-key"
SETTINGS = {"camera": "front", "view": "final", "url": URL, "token": "a secret token"}
ENCODING = EncodingSettings(width=160, idle=0)
LABELS = {"camera": "front", "view": "final", "target": "sfu.test:8889"}


class Quick(Backoff):
    """No pauses; it counts them."""

    def __init__(self) -> None:
        super().__init__(RECONNECT, Pauses())
        self.pauses: list[float] = []

    def next(self) -> float:
        self.pauses.append(super().next())
        return 0.0


@pytest.fixture
async def server() -> AsyncIterator[WhipServer]:
    server = WhipServer()
    yield server
    await server.close()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def hub(metrics: Metrics) -> AsyncIterator[ViewHub]:
    async with ViewHub(ENCODING, metrics) as hub, asyncio.TaskGroup() as tasks:
        hub.add_camera("front")
        showing = tasks.create_task(show(hub), name="show")
        yield hub
        showing.cancel()


async def show(hub: ViewHub) -> None:
    """Show red for as long as somebody looks."""
    number = 0
    while True:
        for view in hub.wanted("front"):
            hub.publish("front", view, np.full((90, 160, 3), (200, 20, 20), np.uint8), number, Fraction(1, 50))
        number += 1
        await asyncio.sleep(0.02)


@asynccontextmanager
async def pushing(
    hub: ViewHub, metrics: Metrics, transport: httpx.AsyncBaseTransport, backoff: Backoff | None = None, **changes: Any
) -> AsyncIterator[None]:
    timeout = {"connect_timeout": changes.pop("connect_timeout")} if "connect_timeout" in changes else {}
    push = Push(
        PushSettings.model_validate({**SETTINGS, **changes}),
        WebRtcSettings(encoding=ENCODING),
        hub,
        metrics,
        transport=transport,
        backoff=backoff or Quick(),
        **timeout,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(push.run(), name=push.name)
        try:
            yield
        finally:
            push.close()


async def told(caplog: pytest.LogCaptureFixture, part: str) -> None:
    while part not in caplog.text:  # noqa: ASYNC110 - a log line is no event
        await asyncio.sleep(0)


def value(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name, LABELS)


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_a_view_is_published_and_taken_back(
    hub: ViewHub, metrics: Metrics, server: WhipServer, codec: str
) -> None:
    async with pushing(hub, metrics, server.transport, codec=codec):
        image = (await server.frame()).to_ndarray(format="rgb24")
        assert np.abs(image.mean(axis=(0, 1)) - (200, 20, 20)).max() < 8
        assert value(metrics, "livesal_push_up") == 1
        assert [encoder.codec for encoder in hub.encoders] == [codec]
        assert not server.left.is_set()
    assert server.requests == [
        ("POST", "/whip/stream-key", "Bearer a secret token"),
        ("DELETE", "/sessions/1", "Bearer a secret token"),
    ]
    (offer,) = server.offers
    assert {"a=sendonly", "a=group:BUNDLE 0", "a=rtcp-mux-only", "a=setup:actpass"} <= set(offer.splitlines())
    assert value(metrics, "livesal_push_up") == 0
    assert value(metrics, "livesal_push_failures_total") == 0


async def test_it_shares_the_encode_of_other_viewers_and_mends_losses(
    hub: ViewHub, metrics: Metrics, server: WhipServer
) -> None:
    with hub.watch("front", "final", "h264") as viewer:
        async with pushing(hub, metrics, server.transport):
            await server.frame()
            (encoder,) = hub.encoders
            assert encoder.viewers == 2
            while not (await viewer.receive()).is_keyframe:
                pass
            await server.lose_a_picture()
            while not (await viewer.receive()).is_keyframe:
                pass


async def test_redirects_are_followed_and_another_server_is_not_told_the_token(
    hub: ViewHub, metrics: Metrics, server: WhipServer
) -> None:
    server.replies.append(Response(status_code=307, headers={"Location": "/whip/elsewhere"}))
    server.replies.append(Response(status_code=307, headers={"Location": "http://other.test/whip/there"}))
    async with pushing(hub, metrics, server.transport):
        await server.frame()
    assert server.requests == [
        ("POST", "/whip/stream-key", "Bearer a secret token"),
        ("POST", "/whip/elsewhere", "Bearer a secret token"),
        ("POST", "/whip/there", ""),
        ("DELETE", "/sessions/1", ""),
    ]
    assert len(set(server.offers)) == 1


async def test_it_comes_back_when_the_connection_is_lost(hub: ViewHub, metrics: Metrics, server: WhipServer) -> None:
    async with pushing(hub, metrics, server.transport):
        await server.frame()
        await server.hang_up()
        await server.published.wait()
        await server.frame()
        assert value(metrics, "livesal_push_up") == 1
        assert value(metrics, "livesal_push_failures_total") == 1
    assert [request[:2] for request in server.requests] == [
        ("POST", "/whip/stream-key"),
        ("DELETE", "/sessions/1"),
        ("POST", "/whip/stream-key"),
        ("DELETE", "/sessions/2"),
    ]


async def test_refusals_are_told_without_secrets_and_tried_again(
    hub: ViewHub, metrics: Metrics, server: WhipServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.replies += [
        JSONResponse({"detail": f"not at {URL} with a secret token"}, 401),
        Response("busy", 503, {"Retry-After": "0"}),
        Response("v=0", 201),
        Response("<html>", 201, {"Location": "/sessions/0"}),
        Response("v=0\r\nm=", 201, {"Location": "/sessions/0"}),
        Response(status_code=302, headers={"Location": "/whip/old"}),
        *[Response(status_code=307, headers={"Location": "/whip/round"}) for _ in range(5)],
    ]
    backoff = Quick()
    async with pushing(hub, metrics, server.transport, backoff):
        await server.frame()
    lines = [record.getMessage() for record in caplog.records if record.name == "stream.push"]
    expected = [
        "sfu.test refuses the view: 401 Unauthorized; see the push's token: not at *** with ***",
        "sfu.test refuses the view: 503",
        "sfu.test answers 201 without a usable Location",
        "sfu.test answers 201 without an SDP answer",
        "the SFU's answer cannot be used",
        "sfu.test refuses the view: 302",
        "the SFU redirects more than 5 times",
        "it is taken",
    ]
    for line, part in zip(lines, expected, strict=True):
        assert line.startswith("push of front/final to sfu.test: ")
        assert part in line
    assert backoff.pauses == [1, 2, 4, 8, 16, 30, 30]
    assert "stream-key" not in caplog.text
    assert "a secret token" not in caplog.text
    assert value(metrics, "livesal_push_failures_total") == 7


async def test_a_camera_that_comes_later_or_goes_is_waited_for(
    hub: ViewHub, metrics: Metrics, server: WhipServer, caplog: pytest.LogCaptureFixture
) -> None:
    hub.remove_camera("front")
    async with pushing(hub, metrics, server.transport):
        await told(caplog, "no camera is named 'front'")
        assert server.requests == []
        hub.add_camera("front")
        await server.frame()
        hub.remove_camera("front")
        await server.left.wait()


async def test_an_sfu_that_is_away_is_tried_again(
    hub: ViewHub, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(request: httpx.Request) -> httpx.Response:
        message = f"no route to {request.url}"
        raise httpx.ConnectError(message)

    async with pushing(hub, metrics, httpx.MockTransport(refuse)):
        await told(caplog, "sfu.test does not answer (no route to ***); next try")


async def test_an_sfu_that_no_media_reaches_is_left(
    hub: ViewHub, metrics: Metrics, server: WhipServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.deaf = True
    async with pushing(hub, metrics, server.transport, connect_timeout=0.05):
        await told(caplog, "no media gets through by UDP")
        await server.left.wait()


@pytest.mark.parametrize("during", ["the offer", "a pause"])
async def test_it_ends_at_once_whatever_it_waits_for(hub: ViewHub, metrics: Metrics, during: str) -> None:
    asked = asyncio.Event()

    async def answer(_: httpx.Request) -> httpx.Response:
        asked.set()
        if during == "the offer":
            await asyncio.Event().wait()
        return httpx.Response(503, headers={"Retry-After": "3600"})

    backoff = Backoff(RECONNECT, Pauses())
    async with pushing(hub, metrics, httpx.MockTransport(answer), backoff):
        await asked.wait()
        if during == "a pause":
            while not value(metrics, "livesal_push_failures_total"):  # noqa: ASYNC110 - a counter is no event
                await asyncio.sleep(0)


@pytest.mark.parametrize("url", ["rtmp://sfu/live", "http:///whip", "https://sfu:port/whip", "sfu/whip"])
def test_what_is_no_whip_endpoint_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http://HOST/"):
        PushSettings.model_validate({"camera": "front", "url": url})
