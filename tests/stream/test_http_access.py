"""Who may ask, how often, and by HTTPS."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from configs.output import EncodingSettings, HttpSettings, WebRtcSettings
from stream.errors import StreamError
from stream.http.app import LiveSalApp, create_app
from stream.http.rate_limit import RateLimit
from stream.http.server import HttpServer
from stream.metrics import Metrics
from stream.views import ViewHub
from stream.webrtc import WebRtcSessions
from tests.fakes.backend import FakeBackend
from tests.fakes.certificates import self_signed

TOKEN = "correct horse"  # noqa: S105 - of a test
SIGNED = {"Authorization": f"Bearer {TOKEN}"}


@asynccontextmanager
async def application(settings: HttpSettings) -> AsyncIterator[LiveSalApp]:
    metrics = Metrics()
    async with (
        ViewHub(EncodingSettings(width=160), metrics, no_signal_after=0.05) as hub,
        WebRtcSessions(hub, WebRtcSettings()) as sessions,
    ):
        hub.add_camera("front")
        yield create_app(FakeBackend(), hub, sessions, metrics, http=settings)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    settings = HttpSettings.model_validate({"tokens": ["another one", TOKEN]})
    async with (
        application(settings) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://livesal") as client,
    ):
        yield client


@pytest.mark.parametrize(
    "path", ["/api/cameras", "/metrics", "/openapi.json", "/docs", "/cameras/front/overlay/whep", "/cameras/front/whip"]
)
async def test_without_a_token_nothing_is_told(client: httpx.AsyncClient, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Cookie": "livesal=guess"}):
        refused = await client.get(path, headers=headers)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert "http.tokens" in refused.json()["detail"]
    assert (await client.get(path, headers=SIGNED)).status_code != 401


async def test_health_page_and_preflight_need_no_token(client: httpx.AsyncClient) -> None:
    for path in ("/", "/publish", "/healthz", "/readiness", "/preview/app.js"):
        assert (await client.get(path)).status_code == 200
    preflight = await client.options("/cameras/front/overlay/whep")
    assert preflight.status_code == 200
    refused = await client.post("/cameras/front/overlay/whep", content="v=0")
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == "*", "a page elsewhere can read why"


async def test_a_page_signs_in_once_and_out(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/session")).status_code == 401
    assert (await client.post("/api/session", headers={"Authorization": "Bearer wrong"})).status_code == 401
    signed = await client.post("/api/session", headers=SIGNED)
    assert signed.status_code == 204
    cookie = signed.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert (await client.get("/api/session")).status_code == 204
    assert (await client.get("/api/cameras")).status_code == 200
    kept = dict(client.cookies)
    assert (await client.delete("/api/session")).status_code == 204
    client.cookies.update(kept)
    assert (await client.get("/api/cameras")).status_code == 401, "the cookie is worthless then"


async def test_without_tokens_everybody_is_known() -> None:
    async with (
        application(HttpSettings()) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://livesal") as client,
    ):
        assert (await client.get("/api/cameras")).status_code == 200
        assert (await client.post("/api/session")).status_code == 204


async def test_too_many_changes_are_put_off_and_reading_goes_on() -> None:
    now = [0.0]

    async def serve(scope: object, receive: object, send: object) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    limited = RateLimit(serve, rate=0.5, clock=lambda: now[0])  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(limited), base_url="http://livesal") as client:
        assert [(await client.post("/")).status_code for _ in range(4)] == [204, 204, 429, 429]
        refused = await client.delete("/")
        assert refused.headers["Retry-After"] == "2"
        assert "http.rate_limit" in refused.json()["detail"]
        assert (await client.get("/")).status_code == 204
        now[0] = 2.0
        assert (await client.post("/")).status_code == 204


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "livesal.example.org"])  # noqa: S104 - refused
def test_an_address_for_others_needs_a_token_or_a_word(host: str) -> None:
    with pytest.raises(ValidationError, match=r"set http\.tokens, or say --insecure"):
        HttpSettings(host=host)
    assert HttpSettings(host=host, insecure=True).host == host
    assert HttpSettings.model_validate({"host": host, "tokens": [TOKEN]}).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.5.0.1"])
def test_loopback_needs_none(host: str) -> None:
    assert HttpSettings(host=host).tokens == ()


def test_a_short_token_and_half_a_certificate_are_refused() -> None:
    with pytest.raises(ValidationError, match="at least 8"):
        HttpSettings.model_validate({"tokens": ["short"]})
    with pytest.raises(ValidationError, match="belong together"):
        HttpSettings(certificate=Path("a.pem"))


async def test_https_is_served_and_a_wrong_file_is_named(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, "localhost")
    settings = HttpSettings(port=0, host="127.0.0.1", certificate=certificate, key=key)
    trusting = ssl.create_default_context(cafile=certificate)
    async with application(settings) as app, HttpServer(app, settings) as server:
        assert server.url.startswith("https://127.0.0.1:")
        url = server.url.replace("127.0.0.1", "localhost")
        async with httpx.AsyncClient(verify=trusting) as client:
            assert (await client.get(f"{url}/healthz")).json() == {"status": "alive"}
    wrong = HttpSettings(port=0, certificate=key, key=certificate)
    async with application(wrong) as app:
        with pytest.raises(StreamError, match=r"cannot serve HTTPS with .*key\.pem"):
            await HttpServer(app, wrong).__aenter__()
