import asyncio
import itertools
import logging

import pytest

from configs.source import SourceSettings
from stream.channel import Channel, Overflow
from stream.frame import Frame
from stream.probe import probe
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
