import asyncio
import logging
import random
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.source import SourceSettings
from stream.channel import Channel
from stream.errors import CorruptSourceError, SourceError
from stream.file_source import FileSource
from stream.frame import Frame
from stream.reader import DecodedPicture
from stream.source import Source, open_source
from tests.fakes.media import numbered, read_number, write_video


def settings(url: Path | str, **others: Any) -> SourceSettings:
    return SourceSettings.model_validate({"url": str(url), **others})


async def collect(source: Source, most: int | None = None) -> list[Frame]:
    """Return the frames that `source` sends, the first `most` if it would go on."""
    out = Channel[Frame](1)
    frames: list[Frame] = []
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(source.run(out), name="source")
        async for frame in out:
            frames.append(frame)
            if len(frames) == most:
                running.cancel()
                break
    assert out.closed
    return frames


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {}),
        ("b.mp4", "libx264", {"tune": "film", "bf": "2", "preset": "veryfast"}),
        ("a.mkv", "mpeg4", {}),
        ("a.webm", "libvpx", {"deadline": "realtime"}),
        ("a.ts", "libx264", {}),
        ("a.avi", "mjpeg", {}),
        ("a.h264", "libx264", {}),
    ],
)
async def test_every_frame_of_any_container_arrives_in_order(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    write_video(tmp_path / name, (numbered(n) for n in range(30)), codec=codec, options=options)
    source = open_source(settings(tmp_path / name))
    frames = await collect(source)
    assert [read_number(frame.image) for frame in frames] == list(range(30))
    assert [frame.sequence for frame in frames] == list(range(30))
    gaps = np.diff([frame.time for frame in frames])
    assert gaps == pytest.approx(1 / 25, abs=0.0011)
    status = source.status
    assert (status.state, status.frames, status.width, status.height) == ("ended", 30, 192, 96)
    assert (status.dropped, status.error, source.live) == ({}, "", False)


async def test_a_full_channel_makes_the_file_wait_and_loses_nothing(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", (numbered(n) for n in range(40)))
    source = open_source(settings(tmp_path / "a.mp4"))
    out = Channel[Frame](1)
    numbers = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(source.run(out), name="source")
        async for frame in out:
            for _ in range(random.Random(frame.sequence).randrange(20)):  # noqa: S311 - a slow reader, not a secret
                await asyncio.sleep(0)
            numbers.append(read_number(frame.image))
    assert numbers == list(range(40))


async def test_a_looped_file_goes_on_with_growing_times(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", (numbered(n) for n in range(5)))
    frames = await collect(open_source(settings(tmp_path / "a.mp4", loop=True)), most=12)
    assert [read_number(frame.image) for frame in frames] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert np.diff([frame.time for frame in frames]) == pytest.approx(1 / 25)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
async def test_of_a_truncated_file_what_decodes_arrives_and_the_end_is_reported(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    noisy = (
        np.bitwise_xor(numbered(n), np.random.default_rng(n).integers(0, 8, (96, 192, 3), np.uint8)) for n in range(100)
    )
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    write_video(tmp_path / name, noisy, container_options=options)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) * 6 // 10])
    source = open_source(settings(tmp_path / name))
    with caplog.at_level(logging.WARNING, "livesal.source"):
        frames = await collect(source)
    numbers = [read_number(frame.image) for frame in frames]
    assert 40 <= len(numbers) < 80
    assert numbers[:-1] == list(range(len(numbers) - 1))
    assert "truncated" in source.status.error
    assert source.status.error in caplog.text


async def test_a_file_with_a_damaged_stretch_goes_on_behind_it(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mkv", (numbered(n) for n in range(60)))
    content = bytearray((tmp_path / "a.mkv").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    (tmp_path / "a.mkv").write_bytes(content)
    source = open_source(settings(tmp_path / "a.mkv"))
    frames = await collect(source)
    numbers = [read_number(frame.image) for frame in frames]
    assert 40 <= len(numbers) <= 60
    assert numbers[:10] == list(range(10))
    assert numbers[-5:] == list(range(55, 60))
    assert [frame.sequence for frame in frames] == list(range(len(frames)))


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (None, SourceError, "there is no such file"),
        (b"", CorruptSourceError, "no video"),
        (b"livesal" * 1000, CorruptSourceError, "no video"),
        (b"\0\0\0\x20ftypisom" + bytes(5000), CorruptSourceError, "no video"),
    ],
)
async def test_a_missing_or_corrupt_file_is_an_error_that_names_it(
    tmp_path: Path, content: bytes | None, error: type[SourceError], says: str
) -> None:
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    source = open_source(settings(path))
    out = Channel[Frame](1)
    with pytest.raises(error, match=says) as raised:
        await source.run(out)
    assert type(raised.value) is error
    assert str(path) in str(raised.value)
    assert out.closed
    assert (source.status.state, source.status.error) == ("ended", str(raised.value))


async def test_a_file_without_video_says_what_it_holds(tmp_path: Path) -> None:
    import av  # noqa: PLC0415 - this test only

    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream: Any = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(CorruptSourceError, match=r"holds no video \(audio only\)"):
        await open_source(settings(tmp_path / "a.wav")).run(Channel[Frame](1))


async def test_a_served_file_leaves_at_its_own_speed(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", (numbered(n) for n in range(8)), rate=50)
    started = time.monotonic()
    frames = await collect(open_source(settings(tmp_path / "a.mp4"), paced=True))
    assert len(frames) == 8
    arrivals = np.array([frame.arrived_at for frame in frames]) - frames[0].arrived_at
    assert np.all(arrivals >= np.arange(8) / 50 - 1e-3)
    assert time.monotonic() - started >= 7 / 50


class StuckReader:
    """Gives one picture, then hangs for good in C, as far as Python can tell."""

    frame_rate = Fraction(25)
    bursts = False
    corrupt = 0
    damage = ""

    def __init__(self) -> None:
        self.released = threading.Event()

    def __iter__(self) -> Iterator[DecodedPicture]:
        yield DecodedPicture(numbered(0), 0, Fraction(1, 25))
        self.released.wait()

    def close(self) -> None:
        pass


async def test_cancelling_ends_at_once_though_the_thread_hangs() -> None:
    reader = StuckReader()
    source = FileSource("stuck", lambda: reader, clock=time.monotonic)
    out = Channel[Frame](1)
    running = asyncio.ensure_future(source.run(out))
    await out.receive()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 1)
    assert out.closed
    reader.released.set()


async def test_a_receiver_that_closes_the_channel_ends_the_source(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", (numbered(n) for n in range(30)))
    source = open_source(settings(tmp_path / "a.mp4"))
    out = Channel[Frame](1)
    running = asyncio.ensure_future(source.run(out))
    await out.receive()
    await out.close()
    await asyncio.wait_for(running, 5)
    assert source.status.state == "ended"


async def test_a_stream_that_changes_its_size_and_starts_its_times_again_goes_on(tmp_path: Path) -> None:
    write_video(tmp_path / "a.ts", (numbered(n) for n in range(10)))
    write_video(tmp_path / "b.ts", (numbered(n, 384, 192) for n in range(10, 20)))
    with (tmp_path / "a.ts").open("ab") as joined:
        joined.write((tmp_path / "b.ts").read_bytes())
    frames = await collect(open_source(settings(tmp_path / "a.ts")))
    assert [read_number(frame.image) for frame in frames] == list(range(20))
    assert [frame.size for frame in frames] == [(96, 192)] * 10 + [(192, 384)] * 10
    assert np.all(np.diff([frame.pts for frame in frames]) > 0)
