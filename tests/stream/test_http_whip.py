import random
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from configs.output import HttpSettings, WebRtcSettings
from stream.http.app import create_app
from stream.inlet import Inlet
from stream.metrics import Metrics
from stream.views import ViewHub
from stream.webrtc import WebRtcSessions
from tests.fakes.backend import FakeBackend
from tests.fakes.player import candidates
from tests.fakes.publisher import Publisher
from tests.fakes.sdp import malformed

pytestmark = pytest.mark.usefixtures("loopback")

ENDPOINT = "/cameras/desk/whip"
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = "application/trickle-ice-sdpfrag"


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def backend(clock: list[float]) -> FakeBackend:
    backend = FakeBackend()
    backend.states["desk"] = replace(backend.camera("front"), camera="desk", source="down")
    backend.inlets["desk"] = Inlet(5, lambda: clock[0])
    return backend


@pytest.fixture
async def client(backend: FakeBackend) -> AsyncIterator[httpx.AsyncClient]:
    settings = WebRtcSettings.model_validate(
        {"maximum_viewers": 1, "encoding": {"width": 160, "idle": 0}, "ice_servers": ["stun:stun.example.org"]}
    )
    async with ViewHub(settings.encoding, Metrics()) as hub, WebRtcSessions(hub, settings) as sessions:
        hub.add_camera("front")
        http = HttpSettings(rate_limit=1000)
        app = create_app(backend, hub, sessions, Metrics(), http=http)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://livesal") as client:
            yield client


@pytest.fixture
async def offer() -> AsyncIterator[str]:
    async with Publisher(audio=True) as publisher:
        yield await publisher.offer()


async def test_a_session_from_offer_to_goodbye(
    client: httpx.AsyncClient, offer: str, backend: FakeBackend, clock: list[float]
) -> None:
    opened = await client.post(ENDPOINT, content=offer, headers=SDP)
    assert opened.status_code == 201
    assert opened.headers["content-type"] == "application/sdp"
    assert opened.text.count("a=recvonly") == 2
    location, etag = opened.headers["Location"], opened.headers["ETag"]
    assert location.startswith(f"{ENDPOINT}/")
    assert len(location) >= len(ENDPOINT) + 33, "nobody guesses it"
    assert opened.headers["Link"] == '<stun:stun.example.org>; rel="ice-server"'
    assert opened.headers["Access-Control-Expose-Headers"] == "ETag, Link, Location, Accept-Patch"
    assert backend.inlets["desk"].publication is not None

    there = await client.get(location)
    assert (there.status_code, there.content, there.headers["ETag"]) == (204, b"", etag)
    late = "\r\n".join(candidates(offer))
    accepted = await client.patch(location, content=late, headers={"Content-Type": FRAGMENT, "If-Match": etag})
    assert accepted.status_code == 204

    taken = await client.post(ENDPOINT, content=offer, headers=SDP)
    assert (taken.status_code, taken.headers["Retry-After"]) == (409, "2")
    assert "has a publisher already" in taken.json()["detail"]
    clock[0] = 6.0  # it has sent nothing all the time
    assert (await client.post(ENDPOINT, content=offer, headers=SDP)).status_code == 201
    assert (await client.get(location)).status_code == 404, "the silent one had to go"


async def test_goodbye_frees_the_camera_at_once(client: httpx.AsyncClient, offer: str) -> None:
    location = (await client.post(ENDPOINT, content=offer, headers=SDP)).headers["Location"]
    assert (await client.delete(location, headers={"If-Match": '"another"'})).status_code == 200
    assert (await client.delete(location)).status_code == 404
    assert (await client.post(ENDPOINT, content=offer, headers=SDP)).status_code == 201


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": FRAGMENT}, "a=candidate:1", 428),
        ({"Content-Type": FRAGMENT, "If-Match": '"stale"'}, "a=candidate:1", 412),
        ({"Content-Type": FRAGMENT, "If-Match": "*"}, "a=ice-ufrag:new", 422),
        ({"Content-Type": "text/plain", "If-Match": "ETAG"}, "a=candidate:1", 415),
        ({"Content-Type": FRAGMENT, "If-Match": "ETAG"}, "\0\0", 400),
        ({"Content-Type": FRAGMENT, "If-Match": "ETAG"}, "a=candidate:unusable", 204),
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


async def test_refusals_say_why(client: httpx.AsyncClient, offer: str) -> None:
    async def refused(content: str, endpoint: str = ENDPOINT) -> tuple[int, str]:
        answer = await client.post(endpoint, content=content, headers=SDP)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        return answer.status_code, answer.json()["detail"]

    assert (await client.post(ENDPOINT, json={})).status_code == 415
    assert (await refused(""))[0] == 400
    assert (await refused(offer + "a=x\r\n" * 20_000))[0] == 400
    assert await refused(offer, "/cameras/front/whip") == (
        404,
        "camera 'front' takes no publisher: its url is not whip://",
    )
    assert (await refused(offer, "/cameras/nowhere/whip"))[0] == 404
    assert await refused(offer.replace("a=sendonly", "a=recvonly")) == (
        422,
        "the offer's audio is recvonly; a publisher offers sendonly",
    )
    assert (await refused(offer.replace("VP8/90000", "AV1/90000")))[0] == 422
    no_audio = offer.replace("opus/48000/2", "L16/44100/2").replace("G722/8000", "x/8000")
    no_audio = no_audio.replace("PCMU/8000", "y/8000").replace("PCMA/8000", "z/8000").replace(" 0 8", "")
    assert "leave the audio out" in (await refused(no_audio))[1]
    section = offer[offer.index("m=video") :]
    assert await refused(offer + section.replace("a=mid:1", "a=mid:2")) == (
        422,
        "the offer has audio, video, video; publish one video, and one audio at most",
    )
    assert "does not bundle" in (await refused(offer.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0")))[1]
    stream = offer[offer.index("a=msid:") :].split(maxsplit=1)[0]
    assert "2 media streams" in (await refused(offer.replace(stream, "a=msid:another", 1)))[1]
    async with Publisher() as publisher:
        assert (await client.post(ENDPOINT, content=await publisher.offer(), headers=SDP)).status_code == 201


async def test_what_may_both_send_and_receive_is_only_received(client: httpx.AsyncClient, offer: str) -> None:
    opened = await client.post(ENDPOINT, content=offer.replace("a=sendonly", "a=sendrecv"), headers=SDP)
    assert opened.status_code == 201
    assert opened.text.count("a=recvonly") == 2


async def test_publishers_take_no_place_of_viewers(client: httpx.AsyncClient, offer: str) -> None:
    assert (await client.post(ENDPOINT, content=offer, headers=SDP)).status_code == 201
    refused = await client.post("/cameras/front/final/whep", content=offer, headers=SDP)
    assert "recvonly" in refused.json()["detail"], "it is the offer that is wrong, not the number of sessions"


async def test_the_endpoint_describes_itself(client: httpx.AsyncClient) -> None:
    assert (await client.get(ENDPOINT)).status_code == 204
    head = await client.head(ENDPOINT)
    assert (head.status_code, head.headers["content-type"]) == (200, "application/sdp")
    options = await client.options(ENDPOINT, headers={"Origin": "http://x", "Access-Control-Request-Method": "POST"})
    assert (options.status_code, options.headers["Accept-Post"]) == (200, "application/sdp")
    assert options.headers["Access-Control-Allow-Methods"] == "OPTIONS, GET, POST, PATCH, DELETE"
    assert options.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, If-Match"
    for method, status in (("GET", 404), ("HEAD", 404), ("OPTIONS", 200)):  # a preflight is told nothing
        assert (await client.request(method, "/cameras/front/whip")).status_code == status
    listed = {one["state"]["camera"]: one["whip"] for one in (await client.get("/api/cameras")).json()}
    assert listed == {"front": None, "desk": ENDPOINT}


async def test_a_hundred_malformed_offers_are_refused_and_the_camera_stays_free(
    client: httpx.AsyncClient, offer: str, backend: FakeBackend
) -> None:
    dice = random.Random(7)  # noqa: S311 - repeatable, nothing secret
    seen: dict[int, int] = {}
    for body in (malformed(offer, dice, number) for number in range(100)):
        answer = await client.post(ENDPOINT, content=body, headers=SDP)
        assert answer.headers["content-type"] == "application/problem+json", body
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
    assert seen == {400: 100}
    assert backend.inlets["desk"].publication is None
    assert (await client.post(ENDPOINT, content=offer, headers=SDP)).status_code == 201
