import asyncio
import itertools
import logging
from pathlib import Path

import av
import numpy as np
import pytest

from configs.source import SourceSettings
from stream.channel import Channel, Overflow
from stream.frame import Frame
from stream.probe import probe
from stream.recording.clip_file import ClipFile
from stream.recording.packet_ring import PacketRing
from stream.source import open_source
from tests.fakes.rtsp_server import rtsp_server
from tests.fakes.waiting import until

pytestmark = pytest.mark.integration


async def test_frames_resume_after_the_camera_was_killed_and_started_again(caplog: pytest.LogCaptureFixture) -> None:
    async with rtsp_server(user="me", password="hidden") as server, asyncio.TaskGroup() as tasks:  # noqa: S106 - a fake's
        settings = {"url": server.url, "reconnect": {"initial": 0.1, "maximum": 0.5}, "read_timeout": 3.0}
        source = open_source(SourceSettings.model_validate(settings))
        out = Channel[Frame](2, Overflow.DROP_OLDEST)
        with caplog.at_level(logging.DEBUG):
            running = tasks.create_task(source.run(out), name="source")
            before = [await out.receive() for _ in range(10)]
            await server.kill()
            await until(lambda: source.status.state == "down")
            assert source.status.error
            await server.start()
            after = [await out.receive()]
            while source.status.reconnects == 0:
                after.append(await out.receive())
            after += [await out.receive() for _ in range(10)]
            status = source.status
            running.cancel()
    assert (status.state, status.reconnects, status.error) == ("up", 1, "")
    assert (status.width, status.height) == (320, 240)
    frames = before + after
    assert all(earlier.time < later.time for earlier, later in itertools.pairwise(frames))
    assert all(earlier.sequence < later.sequence for earlier, later in itertools.pairwise(frames))
    assert before[0].image.std() > 5  # the ball on its ground, not a grey error picture
    assert "hidden" not in caplog.text


async def test_a_wrong_password_is_said_and_tried_again() -> None:
    async with rtsp_server(user="me", password="right") as server, asyncio.TaskGroup() as tasks:  # noqa: S106 - a fake's
        url = server.url.replace("right", "wrong")
        source = open_source(SourceSettings.model_validate({"url": url, "reconnect": {"initial": 0.05}}))
        running = tasks.create_task(source.run(Channel[Frame](1)), name="source")
        await until(lambda: source.status.attempts >= 2)
        status = source.status
        running.cancel()
    assert status.state == "down"
    assert "refuses access" in status.error
    assert "wrong" not in status.error


async def test_probe_reports_the_camera() -> None:
    async with rtsp_server() as server:
        report = await asyncio.to_thread(probe, server.url)
    assert (report.format, report.codec, report.width, report.height) == ("rtsp", "h264", 320, 240)
    assert report.live
    assert report.duration is None
    assert report.first_picture > 0


async def test_a_clip_is_cut_out_of_the_cameras_own_packets(tmp_path: Path) -> None:
    async with rtsp_server() as server, asyncio.TaskGroup() as tasks:
        ring = PacketRing(60.0, 10**8)
        source = open_source(SourceSettings.model_validate({"url": server.url}), ring=ring)
        out = Channel[Frame](2, Overflow.DROP_OLDEST)
        running = tasks.create_task(source.run(out), name="source")
        frames = [await out.receive() for _ in range(40)]
        cut = ring.cut(0.0)
        running.cancel()
    assert ring.copying
    assert cut is not None
    clip = ClipFile.begin(tmp_path / "clip.mp4", cut.shape)
    clip.add(cut.packets)
    clip.finish()
    with av.open(str(tmp_path / "clip.mp4")) as container:
        pictures = [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]
    assert len(pictures) == len(cut.packets) >= 30
    known = np.stack([frame.image for frame in frames]).astype(np.int16)
    nearest = np.abs(known - pictures[len(pictures) // 2]).mean((1, 2, 3)).min()
    assert nearest < 2, "a picture in the middle of the clip is one of those that were seen"
