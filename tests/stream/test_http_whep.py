import random
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from configs.output import EncodingSettings, HttpSettings, WebRtcSettings
from stream.http.app import create_app
from stream.metrics import Metrics
from stream.views import ViewHub
from stream.webrtc import WebRtcSessions
from tests.fakes.backend import FakeBackend
from tests.fakes.player import Player, candidates
from tests.fakes.sdp import malformed

pytestmark = pytest.mark.usefixtures("loopback")

ENDPOINT = "/cameras/front/final/whep"
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = "application/trickle-ice-sdpfrag"


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
async def client(backend: FakeBackend) -> AsyncIterator[httpx.AsyncClient]:
    settings = WebRtcSettings(maximum_viewers=1, encoding=EncodingSettings(width=160, idle=0))
    async with (
        ViewHub(settings.encoding, Metrics()) as hub,
        WebRtcSessions(hub, settings) as sessions,
    ):
        hub.add_camera("front")
        app = create_app(
            backend,
            hub,
            sessions,
            Metrics(),
            http=HttpSettings(rate_limit=1000),
            ice_servers=("stun:stun.example.org", "turn:turn.example.org"),
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://livesal") as client:
            yield client


@pytest.fixture
async def offer() -> AsyncIterator[str]:
    async with Player() as player:
        yield await player.offer()


async def test_a_session_from_offer_to_goodbye(client: httpx.AsyncClient, offer: str) -> None:
    opened = await client.post(ENDPOINT, content=offer, headers=SDP)
    assert opened.status_code == 201
    assert opened.headers["content-type"] == "application/sdp"
    assert opened.text.startswith("v=0")
    location, etag = opened.headers["Location"], opened.headers["ETag"]
    assert location.startswith(f"{ENDPOINT}/")
    assert opened.headers["Link"] == (
        '<stun:stun.example.org>; rel="ice-server", <turn:turn.example.org>; rel="ice-server"'
    )
    assert opened.headers["Access-Control-Expose-Headers"] == "ETag, Link, Location, Accept-Patch"

    there = await client.get(location)
    assert (there.status_code, there.content, there.headers["ETag"]) == (204, b"", etag)
    late = "\r\n".join(candidates(offer))
    accepted = await client.patch(location, content=late, headers={"Content-Type": FRAGMENT, "If-Match": etag})
    assert accepted.status_code == 204
    assert (await client.delete(location, headers={"If-Match": '"another"'})).status_code == 200
    assert (await client.delete(location)).status_code == 404
    assert (await client.get(location)).status_code == 404


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": FRAGMENT}, "a=candidate:1", 428),
        ({"Content-Type": FRAGMENT, "If-Match": '"stale"'}, "a=candidate:1", 412),
        ({"Content-Type": FRAGMENT, "If-Match": "*"}, "a=ice-ufrag:new", 422),
        ({"Content-Type": "text/plain", "If-Match": "ETAG"}, "a=candidate:1", 415),
        ({"Content-Type": FRAGMENT, "If-Match": "ETAG"}, "\0\0", 400),
        ({"Content-Type": FRAGMENT, "If-Match": "ETAG"}, "a=ice-ufrag:other", 400),
        ({"Content-Type": FRAGMENT, "If-Match": "ETAG"}, "a=candidate:unusable", 204),
        ({"Content-Type": FRAGMENT, "If-Match": "ETAG"}, "a=candidate:1 1 udp 1 nowhere.local x typ host", 204),
    ],
)
async def test_late_candidates_need_the_right_headers(
    client: httpx.AsyncClient, offer: str, headers: dict[str, str], body: str, status: int
) -> None:
    opened = await client.post(ENDPOINT, content=offer, headers=SDP)
    headers = {name: value.replace("ETAG", opened.headers["ETag"]) for name, value in headers.items()}
    answer = await client.patch(opened.headers["Location"], content=body, headers=headers)
    assert answer.status_code == status
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


async def test_refusals(client: httpx.AsyncClient, offer: str, backend: FakeBackend) -> None:
    assert (await client.post(ENDPOINT, json={})).status_code == 415
    assert (await client.post(ENDPOINT, content="", headers=SDP)).status_code == 400
    assert (await client.post(ENDPOINT, content=offer + "a=x\r\n" * 20_000, headers=SDP)).status_code == 400
    assert (await client.post("/cameras/front/infrared/whep", content=offer, headers=SDP)).status_code == 404
    publisher = offer.replace("a=recvonly", "a=sendonly")
    assert (await client.post(ENDPOINT, content=publisher, headers=SDP)).status_code == 422

    backend.states["front"] = replace(backend.camera("front"), source="down")
    down = await client.post(ENDPOINT, content=offer, headers=SDP)
    assert (down.status_code, down.headers["Retry-After"]) == (409, "2")
    assert down.json()["detail"] == "camera 'front' is down: there is no live source now"
    assert down.headers["Access-Control-Allow-Origin"] == "*"

    backend.states["front"] = replace(backend.camera("front"), source="up")
    assert (await client.post(ENDPOINT, content=offer, headers=SDP)).status_code == 201
    full = await client.post(ENDPOINT, content=offer, headers=SDP)
    assert (full.status_code, full.headers["Retry-After"]) == (503, "2")


async def test_the_endpoint_describes_itself(client: httpx.AsyncClient) -> None:
    assert (await client.get(ENDPOINT)).status_code == 204
    head = await client.head(ENDPOINT)
    assert (head.status_code, head.headers["content-type"]) == (200, "application/sdp")
    options = await client.options(ENDPOINT, headers={"Origin": "http://x", "Access-Control-Request-Method": "POST"})
    assert (options.status_code, options.headers["Accept-Post"]) == (200, "application/sdp")
    assert options.headers["Access-Control-Allow-Methods"] == "OPTIONS, GET, POST, PATCH, DELETE"
    assert options.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, If-Match"
    assert "Access-Control-Allow-Origin" not in (await client.get("/api/cameras")).headers


async def test_a_hundred_malformed_offers_are_refused_and_the_server_lives(
    client: httpx.AsyncClient, offer: str
) -> None:
    dice = random.Random(7)  # noqa: S311 - repeatable, nothing secret
    seen: dict[int, int] = {}
    for body in (malformed(offer, dice, number) for number in range(100)):
        answer = await client.post(ENDPOINT, content=body, headers=SDP)
        assert answer.headers["content-type"] == "application/problem+json", body
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
    assert seen == {400: 100}
    assert (await client.post(ENDPOINT, content=offer, headers=SDP)).status_code == 201
