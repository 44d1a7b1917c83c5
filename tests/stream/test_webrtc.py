import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction
from ipaddress import ip_address

import aioice.ice
import aioice.stun
import numpy as np
import pytest

from configs.output import EncodingSettings, WebRtcSettings
from configs.webrtc import Codec
from stream.errors import SessionError, TooManyViewersError, UnknownNameError, UnplayableOfferError
from stream.metrics import Metrics
from stream.offer import read_candidates, read_offer
from stream.views import ViewHub
from stream.webrtc import WebRtcSessions
from tests.fakes.nat import nat
from tests.fakes.player import Player, candidates, without_candidates

pytestmark = pytest.mark.usefixtures("loopback")

SETTINGS = WebRtcSettings(maximum_viewers=2, encoding=EncodingSettings(width=160, idle=0))


@pytest.fixture
async def hub() -> AsyncIterator[ViewHub]:
    async with ViewHub(SETTINGS.encoding, Metrics()) as hub:
        hub.add_camera("front")
        yield hub


@pytest.fixture
async def sessions(hub: ViewHub) -> AsyncIterator[WebRtcSessions]:
    async with WebRtcSessions(hub, SETTINGS) as sessions:
        yield sessions


async def first_frame(hub: ViewHub, player: Player) -> np.ndarray:
    """Publish a red view until the player shows a frame."""
    shown = asyncio.Event()

    async def publish() -> None:
        number = 0
        while not shown.is_set():
            hub.publish("front", "final", np.full((90, 160, 3), (200, 20, 20), np.uint8), number, Fraction(1, 50))
            number += 1
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish(), name="publish")
        frame = await player.frame()
        shown.set()
    return frame.to_ndarray(format="rgb24")


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_a_player_gets_the_view_in_its_codec(hub: ViewHub, sessions: WebRtcSessions, codec: str) -> None:
    async with Player(codec) as player:
        offer = read_offer((await player.offer()).encode())
        assert offer.codec == codec.lower()
        session = await sessions.open("front", "final", offer)
        await player.accept(session.answer)
        image = await first_frame(hub, player)
    assert np.abs(image.mean(axis=(0, 1)) - (200, 20, 20)).max() < 8


async def test_a_player_that_lost_a_picture_gets_a_keyframe_asked_for(
    hub: ViewHub, sessions: WebRtcSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()
    async with Player() as player:
        session = await sessions.open("front", "final", read_offer((await player.offer()).encode()))
        await player.accept(session.answer)
        await first_frame(hub, player)
        (sender,) = session.connection.getSenders()
        (broadcast,) = hub._broadcasts.values()
        assert sender._send_keyframe == broadcast.viewers[0].request_keyframe
        monkeypatch.setattr(sender, "_send_keyframe", asked.set)
        await player.lose_a_picture(sender._ssrc)
        await asked.wait()


@pytest.mark.parametrize("direction", ["recvonly", "sendrecv"])
async def test_the_answer_is_by_the_book(sessions: WebRtcSessions, direction: str) -> None:
    async with Player() as player:
        offer = (await player.offer()).replace("a=recvonly", f"a={direction}")
        session = await sessions.open("front", "final", read_offer(offer.encode()))
    lines = session.answer.splitlines()
    assert {"a=sendonly", "a=rtcp-mux", "a=rtcp-mux-only", "a=setup:passive", "a=end-of-candidates"} <= set(lines)
    assert sum(line.startswith("m=") for line in lines) == 1
    assert len(session.id) >= 32


async def test_audio_that_is_not_there_is_answered_and_shares_the_transport(
    hub: ViewHub, sessions: WebRtcSessions
) -> None:
    async with Player() as player:
        offer = await player.offer(audio=True)
        session = await sessions.open("front", "final", read_offer(offer.encode()))
        lines = session.answer.splitlines()
        assert [line for line in lines if line.startswith(("m=", "a=group", "a=inactive", "a=sendonly"))] == [
            "a=group:BUNDLE 0 1",
            next(line for line in lines if line.startswith("m=audio")),
            "a=inactive",
            next(line for line in lines if line.startswith("m=video")),
            "a=sendonly",
        ]
        await player.accept(session.answer)
        assert (await first_frame(hub, player)).shape == (90, 160, 3)
        with pytest.raises(UnplayableOfferError, match="max-bundle"):
            read_offer(offer.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0").encode())


@pytest.mark.parametrize(
    ("offered", "codecs", "chosen"),
    [
        (("VP8", "H264"), ("h264", "vp8"), "h264"),
        (("VP8", "H264"), ("vp8", "h264"), "vp8"),
        (("H264",), ("vp8", "h264"), "h264"),
    ],
)
async def test_the_first_codec_in_use_that_a_player_has_is_taken(
    offered: tuple[str, ...], codecs: tuple[Codec, ...], chosen: Codec
) -> None:
    async with Player(*offered) as player:
        offer = (await player.offer()).encode()
    assert read_offer(offer, codecs).codec == chosen
    with pytest.raises(UnplayableOfferError, match=r"no codec that is used here: VP8$"):
        read_offer(offer.replace(b"VP8/90000", b"VP9/90000"), ("vp8",))


@pytest.mark.parametrize("trickles", [False, True])
async def test_a_player_may_send_its_candidates_later_or_never(
    hub: ViewHub, sessions: WebRtcSessions, *, trickles: bool
) -> None:
    async with Player() as player:
        whole = await player.offer()
        offer = read_offer(without_candidates(whole).encode())
        assert not offer.has_candidates
        session = await sessions.open("front", "final", offer)
        if trickles:
            body = "\r\n".join(["a=mid:0", *candidates(whole), "a=candidate:nonsense", "a=end-of-candidates"])
            await sessions.trickle(session, *read_candidates(body.encode()))
        await player.accept(session.answer)
        assert (await first_frame(hub, player)).shape == (90, 160, 3)


async def test_a_player_outside_reaches_an_advertised_address(hub: ViewHub) -> None:
    settings = SETTINGS.model_copy(update={"advertised_hosts": (ip_address("127.7.7.7"),)})
    async with WebRtcSessions(hub, settings) as sessions, Player() as player:
        offer = without_candidates(await player.offer())  # livesal cannot reach it unasked
        session = await sessions.open("front", "final", read_offer(offer.encode()))
        inner, outer = candidates(session.answer)
        port = int(inner.split()[5])
        async with nat("127.7.7.7", ("127.0.0.1", port)) as mapped:
            await player.accept(session.answer.replace(f"{inner}\r\n", ""))  # it cannot see the inner one
            assert (await first_frame(hub, player)).shape == (90, 160, 3)
            assert mapped.passed > 0
            await player.connection.close()
    assert outer.split()[4:6] == ["127.7.7.7", str(port)]


async def test_candidates_of_another_ice_session_are_refused(sessions: WebRtcSessions) -> None:
    async with Player() as player:
        session = await sessions.open("front", "final", read_offer((await player.offer()).encode()))
        with pytest.raises(UnplayableOfferError, match="'other'"):
            await sessions.trickle(session, *read_candidates(b"a=ice-ufrag:other\r\na=ice-pwd:x\r\n"))


async def test_one_viewer_too_many_is_sent_away(sessions: WebRtcSessions) -> None:
    async with Player() as player:
        offer = read_offer((await player.offer()).encode())
        first = await sessions.open("front", "final", offer)
        await sessions.open("front", "final", offer)
        with pytest.raises(TooManyViewersError, match="all 2 places"):
            await sessions.open("front", "final", offer)
        sessions.close(first)
        await sessions.open("front", "final", offer)


async def test_a_player_that_never_connects_is_given_up(hub: ViewHub) -> None:
    async with WebRtcSessions(hub, SETTINGS, connect_timeout=0.05) as sessions, Player() as player:
        session = await sessions.open("front", "final", read_offer((await player.offer()).encode()))
        await session.released.wait()
        assert len(sessions) == 0
        assert hub.viewers("front")["final"] == 0


async def test_a_closed_player_frees_its_place(hub: ViewHub, sessions: WebRtcSessions) -> None:
    async with Player() as player:
        session = await sessions.open("front", "final", read_offer((await player.offer()).encode()))
        await player.accept(session.answer)
        await first_frame(hub, player)
    await session.released.wait()
    assert hub.viewers("front")["final"] == 0
    with pytest.raises(UnknownNameError, match="may have ended"):
        sessions.named(session.id, "front", "final")


async def test_a_player_that_vanishes_without_a_word_frees_its_place(
    hub: ViewHub, sessions: WebRtcSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.02)
    monkeypatch.setattr(aioice.stun, "RETRY_RTO", 0.001)
    async with Player() as player:
        session = await sessions.open("front", "final", read_offer((await player.offer()).encode()))
        await player.accept(session.answer)
        await first_frame(hub, player)
        await player.vanish()
        await session.released.wait()
    assert hub.viewers("front")["final"] == 0


async def test_a_removed_camera_ends_its_sessions(hub: ViewHub, sessions: WebRtcSessions) -> None:
    async with Player() as player:
        session = await sessions.open("front", "final", read_offer((await player.offer()).encode()))
        await player.accept(session.answer)
        await first_frame(hub, player)
        hub.remove_camera("front")
        await session.ended.wait()


async def test_addresses_behind_multicast_names_are_left_out() -> None:
    async with Player() as player:
        shown = await player.offer()
    hidden = shown.replace(" 127.0.0.1 ", " 5b1c2a36-1f0e-4b43-9d9e-0c6f6e4a1f11.local ")
    assert ".local" in hidden
    offer = read_offer(hidden.encode())
    assert ".local" not in offer.text
    assert not offer.has_candidates
    assert read_candidates(
        b"a=candidate:1 1 udp 5 x.local 5 typ host\r\na=candidate:2 1 udp 5 10.0.0.1 5 typ host"
    ) == (
        "",
        ["2 1 udp 5 10.0.0.1 5 typ host"],
    )


async def test_what_cannot_be_played_is_said() -> None:
    async with Player() as player:
        offer = await player.offer()
    with pytest.raises(UnplayableOfferError, match="recvonly"):
        read_offer(offer.replace("a=recvonly", "a=sendonly").encode())
    with pytest.raises(UnplayableOfferError, match="no codec that is used here: H"):
        read_offer(offer.replace("H264/90000", "AV1/90000").encode())
    with pytest.raises(UnplayableOfferError, match="asks for application"):
        read_offer(offer.replace("m=video", "m=application").replace("UDP/TLS/RTP/SAVPF", "UDP/DTLS/SCTP").encode())
    with pytest.raises(SessionError, match="ice-ufrag"):
        read_offer("\r\n".join(line for line in offer.splitlines() if "ice-pwd" not in line).encode())
