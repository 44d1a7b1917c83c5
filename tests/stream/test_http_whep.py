import random
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from configs.output import HttpSettings, WebRtcSettings
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
    settings = WebRtcSettings.model_validate(
        {
            "maximum_viewers": 1,
            "encoding": {"width": 160, "idle": 0},
            "ice_servers": [
                "stun:stun.invalid",
                {"url": "turn:turn.invalid?transport=udp", "username": "u", "credential": 'p"w'},
            ],
        }
    )
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
    assert opened.headers.get_list("Link") == [
        '<stun:stun.invalid>; rel="ice-server"',
        (
            '<turn:turn.invalid?transport=udp>; rel="ice-server"; '
            'username="u"; credential="p\\"w"; credential-type="password"'
        ),
    ]
    assert opened.headers["Access-Control-Expose-Headers"] == "ETag, Link, Location, Accept-Patch"

    for there in (await client.get(location), await client.head(location)):
        assert (there.status_code, there.content, there.headers["ETag"]) == (204, b"", etag)
    for method in ("POST", "PUT"):  # no renegotiation
        assert (await client.request(method, location, content=offer, headers=SDP)).status_code == 405
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
        ({"Content-Type": FRAGMENT, "If-Match": "ETAG"}, "a=ice-ufrag:other", 422),
        ({"Content-Type": FRAGMENT, "If-Match": '"stale", ETAG'}, "a=candidate:1", 204),
        ({"Content-Type": FRAGMENT, "If-Match": "W/ETAG"}, "a=candidate:1", 412),
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
    if status == 415:
        assert answer.headers["Accept-Patch"] == FRAGMENT


async def test_refusals(client: httpx.AsyncClient, offer: str, backend: FakeBackend) -> None:
    other = await client.post(ENDPOINT, json={})
    assert (other.status_code, other.headers["Accept-Post"]) == (415, "application/sdp")
    assert (await client.post(ENDPOINT, content="", headers=SDP)).status_code == 400
    assert (await client.post(ENDPOINT, content=offer + "a=x\r\n" * 20_000, headers=SDP)).status_code == 400
    assert (await client.post("/cameras/front/infrared/whep", content=offer, headers=SDP)).status_code == 404
    for unfit in (offer.replace("a=recvonly", "a=sendonly"), offer.replace("H264/90000", "AV1/90000")):
        assert (await client.post(ENDPOINT, content=unfit, headers=SDP)).status_code == 422

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
    moved = await client.get(f"{ENDPOINT}/")
    assert (moved.status_code, moved.headers["Location"]) == (307, f"http://livesal{ENDPOINT}")
    preflight = {"Origin": "http://x", "Access-Control-Request-Method": "POST"}
    session = await client.options(f"{ENDPOINT}/secret", headers=preflight)
    assert (session.status_code, session.headers["Accept-Patch"]) == (200, FRAGMENT)
    unknown = await client.options("/cameras/guess/final/whep", headers=preflight)
    assert unknown.status_code == 200, "it tells nobody which cameras there are"
    options = await client.options(ENDPOINT, headers=preflight)
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
