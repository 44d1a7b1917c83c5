"""A publisher over real WebRTC, up to the frames of its camera."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aioice.ice
import aioice.stun
import pytest

from configs.output import WebRtcSettings
from configs.source import SourceSettings
from stream.channel import Channel, Overflow
from stream.errors import CameraTakenError, SessionError, UnknownNameError
from stream.frame import Frame
from stream.offer import Offer
from stream.publisher_offer import read_publisher_offer
from stream.publishing import publish
from stream.sessions import Session, Sessions
from stream.source import open_source
from stream.whip_source import WhipSource
from tests.fakes.media import read_number
from tests.fakes.publisher import Publisher
from tests.fakes.waiting import until

pytestmark = pytest.mark.usefixtures("loopback")

SETTINGS = SourceSettings.model_validate({"url": "whip://", "frame_age": 100})


@pytest.fixture
async def sessions() -> AsyncIterator[Sessions]:
    async with Sessions(WebRtcSettings()) as sessions:
        yield sessions


class Camera:
    """A `whip://` source that runs, and what it sends."""

    def __init__(self, sessions: Sessions, settings: SourceSettings) -> None:
        source = open_source(settings, paced=True)
        assert isinstance(source, WhipSource)
        self.source = source
        self.frames = Channel[Frame](1, Overflow.DROP_OLDEST)
        self._sessions = sessions

    async def admit(self, publisher: Publisher) -> Session:
        offer = read_publisher_offer((await publisher.offer()).encode())
        session = await publish(self._sessions, "front", self.source.inlet, offer)
        await publisher.accept(session.answer)
        return session


@asynccontextmanager
async def running(sessions: Sessions, settings: SourceSettings = SETTINGS) -> AsyncIterator[Camera]:
    camera = Camera(sessions, settings)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(camera.source.run(camera.frames), name="source")
        yield camera
        task.cancel()


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_what_is_published_becomes_frames(sessions: Sessions, codec: str) -> None:
    async with running(sessions) as camera, Publisher(codec) as publisher:
        session = await camera.admit(publisher)
        first = await camera.frames.receive()
        second = await camera.frames.receive()
        assert first.size == (96, 192)
        numbers = [read_number(first.image), read_number(second.image)]
        assert second.time - first.time == pytest.approx((numbers[1] - numbers[0]) / 25, abs=1e-3)
        assert camera.source.status.state == "up"
        lines = session.answer.splitlines()
        assert {"a=recvonly", "a=rtcp-mux-only", "a=setup:passive", "a=end-of-candidates"} <= set(lines)
        assert f"{codec}/90000" in session.answer


async def test_the_camera_outlives_its_publisher_and_counts_its_return(sessions: Sessions) -> None:
    async with running(sessions) as camera:
        await until(lambda: camera.source.status.state == "down")
        assert "nobody publishes" in camera.source.status.error
        async with Publisher() as publisher:
            session = await camera.admit(publisher)
            before = await camera.frames.receive()
            assert camera.source.status.reconnects == 0
        await session.released.wait()
        await until(lambda: camera.source.status.state == "down")
        assert "the publisher has left" in camera.source.status.error
        async with Publisher("H264") as publisher:
            await camera.admit(publisher)
            assert camera.source.status.state == "connecting"
            after = await camera.frames.receive()
            while after.sequence == before.sequence:
                after = await camera.frames.receive()
        assert after.pts > before.pts
        assert camera.source.status.reconnects == 1


async def test_a_change_of_size_is_followed(sessions: Sessions) -> None:
    async with running(sessions) as camera, Publisher() as publisher:
        await camera.admit(publisher)
        assert (await camera.frames.receive()).size == (96, 192)
        publisher.track.size = (384, 192)
        while (frame := await camera.frames.receive()).size == (96, 192):
            continue
        assert frame.size == (192, 384)
        assert read_number(frame.image) <= publisher.track.number


async def test_audio_beside_the_video_is_taken_and_thrown_away(sessions: Sessions) -> None:
    async with running(sessions) as camera, Publisher("H264", audio=True) as publisher:
        session = await camera.admit(publisher)
        assert session.answer.count("a=recvonly") == 2
        assert (await camera.frames.receive()).size == (96, 192)
        decoders = [receiver._RTCRtpReceiver__decoder_queue for receiver in session.connection.getReceivers()]
        assert not any(hasattr(queue, "qsize") for queue in decoders), "nothing piles up before aiortc's decoders"


async def test_one_publisher_at_a_time_unless_it_is_silent(sessions: Sessions) -> None:
    settings = SETTINGS.model_copy(update={"read_timeout": 0.2})
    async with running(sessions, settings) as camera, Publisher() as first, Publisher() as second:
        held = await camera.admit(first)
        await camera.frames.receive()
        with pytest.raises(CameraTakenError, match="has a publisher"):
            camera.source.inlet.take(asyncio.Event())
        first.track.go_on.clear()
        await first.track.silent.wait()
        await until(lambda: "sent no picture" in camera.source.status.error)
        assert camera.source.status.hung >= 1
        await camera.admit(second)
        await held.released.wait()
        await until(lambda: camera.source.status.state == "up")


async def test_a_silent_publisher_that_goes_on_is_seen_again(sessions: Sessions) -> None:
    settings = SETTINGS.model_copy(update={"read_timeout": 0.2})
    async with running(sessions, settings) as camera, Publisher() as publisher:
        await camera.admit(publisher)
        await camera.frames.receive()
        publisher.track.go_on.clear()
        await until(lambda: camera.source.status.hung == 1)
        publisher.track.go_on.set()
        await until(lambda: camera.source.status.reconnects == 1)
        assert camera.source.status.state == "up"


async def test_a_publisher_that_vanishes_without_a_word_frees_the_camera(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.02)
    monkeypatch.setattr(aioice.stun, "RETRY_RTO", 0.001)
    async with running(sessions) as camera, Publisher() as publisher:
        session = await camera.admit(publisher)
        await camera.frames.receive()
        await publisher.vanish()
        await session.released.wait()
        assert camera.source.inlet.publication is None
        with pytest.raises(UnknownNameError, match="may have ended"):
            sessions.named(session.id, "front")


async def test_a_publisher_that_never_connects_is_given_up() -> None:
    async with Sessions(WebRtcSettings(), connect_timeout=0.05) as sessions, Publisher() as publisher:
        camera = Camera(sessions, SETTINGS)
        offer = read_publisher_offer((await publisher.offer()).encode())
        session = await publish(sessions, "front", camera.source.inlet, offer)
        await session.released.wait()
        assert camera.source.inlet.publication is None


async def test_a_camera_that_is_removed_ends_its_publisher(sessions: Sessions) -> None:
    async with running(sessions) as camera, Publisher() as publisher:
        session = await camera.admit(publisher)
        await camera.frames.receive()
        camera.source.inlet.close()
        await session.released.wait()
        with pytest.raises(RuntimeError, match="being removed"):
            camera.source.inlet.take(asyncio.Event())


async def test_an_offer_that_fails_leaves_the_camera_free(sessions: Sessions) -> None:
    camera = Camera(sessions, SETTINGS)
    async with Publisher() as publisher:
        offer = read_publisher_offer((await publisher.offer()).encode())
    broken = Offer(offer.text.replace("VP8/90000", "AV1/90000"), has_candidates=True, is_passive=False)
    with pytest.raises(SessionError, match="cannot be answered"):
        await publish(sessions, "front", camera.source.inlet, broken)
    assert camera.source.inlet.publication is None
    assert len(sessions) == 0
