import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from configs.output import EncodingSettings
from stream.encoder import EncodedPicture
from stream.errors import ClosedChannelError, NoSignalError, UnknownNameError
from stream.metrics import Metrics
from stream.viewer import CAPACITY, Viewer
from stream.views import ViewHub

BASE = Fraction(1, 30)


def image(value: int = 90) -> np.ndarray:
    return np.full((90, 160, 3), value, np.uint8)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def hub(metrics: Metrics) -> AsyncIterator[ViewHub]:
    async with ViewHub(EncodingSettings(width=160, idle=0), metrics, no_signal_after=0.05) as hub:
        hub.add_camera("front")
        yield hub


async def until_received(hub: ViewHub, viewers: list[Viewer], count: int, start: int = 0) -> list[list[int]]:
    """Publish from picture number `start` on until each viewer has `count`; return their timestamps."""
    done = asyncio.Event()

    async def publish() -> None:
        number = start
        while not done.is_set():
            hub.publish("front", "final", image(number % 250), number, BASE)
            number += 1
            await asyncio.sleep(0.005)

    async def receive(viewer: Viewer) -> list[int]:
        return [(await viewer.receive()).timestamp for _ in range(count)]

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish(), name="publish")
        receivers = [tasks.create_task(receive(viewer), name="receive") for viewer in viewers]
        received = [await receiver for receiver in receivers]
        done.set()
    return received


async def next_picture(hub: ViewHub, viewer: Viewer, number: int, camera: str = "front") -> EncodedPicture:
    """Publish one picture and return what the viewer gets of it."""
    received = asyncio.get_running_loop().create_task(viewer.receive(), name="receive")
    await asyncio.sleep(0)
    hub.publish(camera, "final", image(number), number, Fraction(1, 10))
    return await received


def dropped(metrics: Metrics, reason: str) -> float:
    return (
        metrics.registry.get_sample_value("livesal_frames_dropped_total", {"camera": "front", "reason": reason}) or 0.0
    )


async def test_three_viewers_share_one_encode(hub: ViewHub, metrics: Metrics) -> None:
    with (
        hub.watch("front", "final", "h264") as first,
        hub.watch("front", "final", "h264") as second,
        hub.watch("front", "final", "h264") as third,
    ):
        received = await until_received(hub, [first, second, third], 10)
        (status,) = hub.encoders
    assert status.viewers == 3
    assert 10 <= status.encoded < 20
    assert set(received[0]) & set(received[1]) & set(received[2])
    counted = metrics.registry.get_sample_value("livesal_encodes_total", {"camera": "front", "view": "final"})
    assert counted is not None
    assert counted >= status.encoded


async def test_keyframes_that_viewers_ask_for_are_spaced(metrics: Metrics) -> None:
    now = [0.0]
    async with ViewHub(EncodingSettings(width=160, idle=0), metrics, clock=lambda: now[0]) as hub:
        hub.add_camera("front")
        keys = []
        with ExitStack() as watching:
            first = watching.enter_context(hub.watch("front", "final", "h264"))
            for number in range(8):  # one more viewer asks with every picture
                now[0] = number / 10
                watching.enter_context(hub.watch("front", "final", "h264")).request_keyframe()
                keys.append((await next_picture(hub, first, number)).is_keyframe)
    assert keys == [True, False, False, True, False, False, True, False]  # every 0.3 s


async def test_a_frame_rate_is_not_exceeded_and_what_is_left_out_is_counted(metrics: Metrics) -> None:
    async with ViewHub(EncodingSettings(width=160, idle=0), metrics) as hub:
        hub.add_camera("front", EncodingSettings(frame_rate=10))
        with hub.watch("front", "final", "h264") as viewer:
            (stamps,) = await until_received(hub, [viewer], 4)  # published at 30 a second of media time
    assert [round((stamp - stamps[0]) / 9000) for stamp in stamps] == [0, 1, 2, 3]
    assert dropped(metrics, "frame-rate") >= 6


async def test_a_camera_may_have_an_encoding_of_its_own(hub: ViewHub) -> None:
    hub.add_camera("back", EncodingSettings(width=80))
    hub.add_camera("back")  # known already
    assert hub.encoding("front").width == 160
    assert (hub.encoding("back").width, hub.encoding("back").idle) == (80, 0), "the rest is the hub's"
    with hub.watch("back", "final", "vp8") as viewer:
        received = await next_picture(hub, viewer, 0, camera="back")
    (frame,) = av.CodecContext.create("vp8", "r").decode(av.Packet(received.payload))
    assert (frame.width, frame.height) == (80, 44)
    hub.add_camera("back", EncodingSettings(width=96))
    assert hub.encoding("back").width == 96, "a changed camera's settings are taken"


async def test_a_slow_viewer_slows_nobody_and_goes_on_at_a_keyframe(hub: ViewHub, metrics: Metrics) -> None:
    with hub.watch("front", "final", "h264") as quick, hub.watch("front", "final", "h264") as slow:
        begin = asyncio.get_running_loop().create_task(slow.receive(), name="begin")
        ((first, *_),) = await until_received(hub, [quick], 1)
        await begin
        await until_received(hub, [quick], 3 * CAPACITY, start=1)
        assert quick.dropped == 0
        assert slow.dropped > CAPACITY
        assert dropped(metrics, "slow-viewer") == slow.dropped
        resumed = await slow.receive()
    assert resumed.is_keyframe
    assert resumed.timestamp > first


async def test_each_codec_has_its_own_encode(hub: ViewHub) -> None:
    with hub.watch("front", "final", "h264") as first, hub.watch("front", "final", "vp8") as second:
        await until_received(hub, [first, second], 2)
        assert [status.codec for status in hub.encoders] == ["h264", "vp8"]


async def test_only_what_is_watched_is_wanted(hub: ViewHub) -> None:
    assert hub.wanted("front") == frozenset()
    with hub.watch("front", "motion", "h264"), hub.watch("front", "final", "vp8"):
        assert hub.wanted("front") == {"motion", "final"}
        assert hub.viewers("front")["motion"] == 1
    await asyncio.sleep(0)  # an idle time of 0 ends with the next turn of the loop
    await asyncio.sleep(0)
    assert hub.wanted("front") == frozenset()
    assert hub.encoders == ()


async def test_a_silent_camera_shows_a_card(hub: ViewHub) -> None:
    with hub.watch("front", "final", "h264") as viewer:
        first = await viewer.receive()
        second = await viewer.receive()
    assert first.is_keyframe
    assert second.timestamp > first.timestamp


async def test_removing_a_camera_ends_its_viewings(hub: ViewHub) -> None:
    with hub.watch("front", "final", "h264") as viewer:
        hub.remove_camera("front")
        with pytest.raises(ClosedChannelError):
            await viewer.receive()
    assert hub.cameras == ()


async def test_a_snapshot_makes_its_view_wanted_and_gets_the_next_picture(hub: ViewHub) -> None:
    async with asyncio.TaskGroup() as tasks:
        snapshot = tasks.create_task(hub.snapshot("front", "colour"), name="snapshot")
        await asyncio.sleep(0)
        assert hub.wanted("front") == {"colour"}
        hub.publish("front", "colour", image(200), 0, BASE)
    decoded = cv2.imdecode(np.frombuffer(snapshot.result(), np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == (90, 160, 3)
    assert abs(float(decoded.mean()) - 200) < 2
    assert hub.wanted("front") == frozenset()


async def test_a_snapshot_of_a_silent_camera_says_so(hub: ViewHub) -> None:
    with pytest.raises(NoSignalError, match="'front' gave no picture of 'colour'"):
        await hub.snapshot("front", "colour")
    assert hub.wanted("front") == frozenset()


@pytest.mark.parametrize(("camera", "view", "listed"), [("back", "final", "front"), ("front", "finale", "low_level")])
async def test_unknown_names_are_told_what_there_is(hub: ViewHub, camera: str, view: str, listed: str) -> None:
    with pytest.raises(UnknownNameError, match=listed):
        hub.publish(camera, view, image(), 0, BASE)


async def test_a_picture_of_the_wrong_form_is_refused(hub: ViewHub) -> None:
    with pytest.raises(ValueError, match="float32"):
        hub.publish("front", "final", image().astype(np.float32), 0, BASE)  # type: ignore[arg-type]
