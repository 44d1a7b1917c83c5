import asyncio
import itertools
import logging
import socket
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import pytest

from configs.source import SourceSettings
from stream.channel import Channel, Overflow
from stream.frame import Frame
from stream.source import Source, open_source
from tests.fakes.media import encoding, numbered, read_number
from tests.fakes.waiting import until
from tests.fakes.web_server import files, mjpeg, web_server

pytestmark = pytest.mark.integration


def camera(url: str, **others: Any) -> Source:
    return open_source(SourceSettings.model_validate({"url": url, "reconnect": {"initial": 0.05}, **others}))


@asynccontextmanager
async def playing(source: Source) -> AsyncIterator[Channel[Frame]]:
    """Run `source` inside the block."""
    out = Channel[Frame](2, Overflow.DROP_OLDEST)
    running = asyncio.get_running_loop().create_task(source.run(out), name="source")
    try:
        yield out
    finally:
        running.cancel()
        await asyncio.wait([running], timeout=1)
        assert running.done(), "cancelling takes over a second"
        assert out.closed


def _contents(folder: Path) -> dict[str, bytes]:
    return {f"/{path.name}": path.read_bytes() for path in folder.iterdir()}


async def test_mjpeg_over_http_plays_and_is_called_again_when_it_ends() -> None:
    async def pictures() -> AsyncIterator[bytes]:
        for number in itertools.count():
            yield cv2.imencode(".jpg", numbered(number % 1000)[..., ::-1])[1].tobytes()
            await asyncio.sleep(0.01)
            if number == 20:
                return

    async def answer(path: str, writer: StreamWriter) -> None:
        await mjpeg(pictures())(path, writer)

    async with web_server(answer) as address, playing(camera(f"http://me:hidden@{address}/mjpg?token=hidden")) as out:
        first = [await out.receive() for _ in range(5)]
        while True:
            last = await out.receive()
            if read_number(last.image) < read_number(first[-1].image):
                break
    numbers = [read_number(frame.image) for frame in first]
    assert numbers == sorted(set(numbers))
    assert last.time > first[-1].time


async def test_mpegts_over_udp_plays() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stop = threading.Event()

    def send() -> None:
        pictures = (numbered(number % 4000) for number in itertools.count())
        for _ in encoding(f"udp://127.0.0.1:{port}?pkt_size=1316", pictures, form="mpegts"):
            if stop.wait(0.02):
                return

    async with playing(camera(f"udp://127.0.0.1:{port}")) as out:
        sending = asyncio.get_running_loop().run_in_executor(None, send)
        frames = [await out.receive() for _ in range(10)]
        stop.set()
        await sending
    numbers = [read_number(frame.image) for frame in frames]
    assert numbers == sorted(set(numbers))


async def test_hls_is_read_whole_or_played_at_its_own_speed(tmp_path: Path) -> None:
    options = {"hls_time": "0.4", "hls_list_size": "0"}
    for _ in encoding(tmp_path / "live.m3u8", map(numbered, range(30)), rate=25, form="hls", container_options=options):
        pass
    async with web_server(files(_contents(tmp_path))) as address:
        whole = camera(f"http://{address}/live.m3u8", live=False)
        async with playing(whole) as out:
            frames = [frame async for frame in out]
        assert whole.status.frames == 30
        assert read_number(frames[-1].image) == 29
        live = camera(f"http://{address}/live.m3u8")
        async with playing(live) as out:
            frames = [await out.receive() for _ in range(10)]
        spans = [frame.arrived_at - frame.time for frame in frames]
        assert min(spans) >= spans[0] - 0.005
        assert [read_number(frame.image) for frame in frames] == list(range(10))
        assert live.status.dropped == {}


async def test_a_camera_that_accepts_and_then_says_nothing_is_given_up_and_called_again() -> None:
    calls = 0
    called_again, over = asyncio.Event(), asyncio.Event()

    async def hang(_reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            called_again.set()
        await over.wait()
        writer.close()
        closed.release()

    closed = asyncio.Semaphore(0)
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    source = camera(f"rtsp://me:hidden@127.0.0.1:{port}/x", open_timeout=0.2, read_timeout=0.2)
    async with playing(source):
        await asyncio.wait_for(called_again.wait(), 10)
        status = source.status
        assert (status.state, status.frames) == ("down", 0)
        assert status.hung >= 1
        assert "in time" in status.error or "no picture" in status.error
        assert "hidden" not in status.error
    over.set()
    server.close()
    for _ in range(calls):
        await closed.acquire()


async def test_a_refused_connection_is_tried_again_and_shows_no_credentials(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    source = camera(f"rtmp://me:hidden@127.0.0.1:{port}/app/key=hidden")
    with caplog.at_level(logging.DEBUG):
        async with playing(source):
            await until(lambda: source.status.attempts >= 3)
            status = source.status
    assert status.state == "down"
    assert "connection refused" in status.error
    assert "hidden" not in caplog.text + status.error
