"""Clips around events, cut out of real packets and decoded back."""

import asyncio
import errno
import io
from pathlib import Path
from typing import Any

import av
import pytest

from stream.recording.clip_disk import PAUSE
from tests.fakes.clips import Bench, numbered_frame, numbers_in
from tests.fakes.media import numbered, write_video


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {}),
        ("b.mp4", "libx264", {"tune": "film", "bf": "2", "preset": "veryfast"}),
        ("a.ts", "libx264", {}),
        ("a.mkv", "libx265", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    ],
)
async def test_a_clip_is_cut_out_of_the_sources_own_packets(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    """The event lasts from 4 s to 5 s; with a second before and after the clip is pictures 75 to 150 at least."""
    source = tmp_path / name
    write_video(source, (numbered(number) for number in range(200)), codec=codec, options=options)
    bench = Bench(tmp_path / "clips")
    async with bench.disk() as disk:
        recorder = bench.recorder(disk)
        with bench.playing(source, recorder) as play:
            play(4.2)
            assert recorder.ring.copying
            recorder.note(bench.event("new", 4.0))
            await recorder.look()
            assert not bench.clip().exists(), "a clip is there once it is whole"
            play(5.1)
            recorder.note(bench.event("end", 4.0, 5.0))
            await recorder.look()
            play(6.5)
            await recorder.look()
    numbers = numbers_in(bench.clip())
    first, last = numbers[0], numbers[-1]
    whole = numbers[:-4]  # at its end pictures may miss that their coding order puts behind
    assert whole == list(range(first, first + len(whole))), "every picture is there and in order"
    assert 75 - 25 <= first <= 75, "it begins at the last keyframe before the pre-roll"
    assert 147 <= last <= 156
    assert bench.count("written") == 1
    with av.open(str(bench.clip())) as clip:
        assert clip.streams.video[0].codec_context.name == ("hevc" if codec == "libx265" else "h264")
        assert float(clip.duration or 0) / 1e6 == pytest.approx(len(numbers) / 25, abs=0.1)
    assert [path.name for path in bench.folder.iterdir()] == [bench.clip().name]


async def test_frames_are_coded_where_the_packets_do_not_fit(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "clips")
    async with bench.disk() as disk:
        recorder = bench.recorder(disk)
        running = asyncio.create_task(recorder.run(), name="recorder")
        for number in range(150):
            bench.now = number / 25
            recorder.offer(numbered_frame(number))
            assert recorder._coding is not None
            await recorder._coding
            if number == 80:
                recorder.note(bench.event("new", 3.1))
            if number == 101:
                recorder.note(bench.event("end", 3.1, 4.01))
        recorder.stop()
        await running
    numbers = numbers_in(bench.clip())
    assert numbers[0] == 50, "a keyframe comes every second"
    assert numbers == list(range(50, 126))
    assert recorder.skipped_frames == 0


async def test_another_size_or_an_earlier_time_begins_the_coding_anew(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "clips")
    async with bench.disk() as disk:
        recorder = bench.recorder(disk)
        openings = []
        for number, width in [(10, 192), (11, 192), (12, 384), (1, 384)]:
            recorder.offer(numbered_frame(number, width=width))
            await recorder._coding  # type: ignore[misc]
            cut = recorder.ring.cut(0)
            assert cut is not None
            openings.append(cut.opening)
        recorder.stop()
        await recorder.run()
    assert openings == [1, 1, 2, 3]


async def test_coding_begins_anew_when_the_source_was_opened_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "clips")
    async with bench.disk() as disk:
        recorder = bench.recorder(disk)
        for number in range(6):
            if number == 3:
                recorder.ring.begin(None, copying=False)
            recorder.offer(numbered_frame(number))
            await recorder._coding  # type: ignore[misc]
        cut = recorder.ring.cut(0)
        recorder.stop()
        await recorder.run()
    assert cut is not None
    assert [packet.arrived_at * 25 for packet in cut.packets] == pytest.approx([3, 4, 5])
    assert cut.packets[0].is_keyframe


async def test_a_clip_ends_where_its_source_is_lost(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", (numbered(number) for number in range(100)))
    bench = Bench(tmp_path / "clips")
    async with bench.disk() as disk:
        recorder = bench.recorder(disk)
        with bench.playing(tmp_path / "a.mp4", recorder) as play:
            play(2.0)
            recorder.note(bench.event("new", 1.5))
            await recorder.look()
            play(3.0)
            await recorder.look()
            recorder.ring.begin(None, copying=False)
            await recorder.look()
    assert numbers_in(bench.clip())[-1] == 75


async def test_an_event_without_end_ends_its_clip_by_length_and_a_stop_keeps_what_there_is(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", (numbered(number) for number in range(200)))
    bench = Bench(tmp_path / "clips", longest=2)
    async with bench.disk() as disk:
        recorder = bench.recorder(disk)
        with bench.playing(tmp_path / "a.mp4", recorder) as play:
            play(2.0)
            recorder.note(bench.event("new", 2.0))
            play(5.0)
            await recorder.look()
            assert numbers_in(bench.clip())[-1] == 100, "2 s after the start"
            recorder.note(bench.event("new", 5.0, name="second"))
            play(6.0)
            recorder.stop()
            await recorder.run()
    assert numbers_in(bench.clip("second"))[-1] == 150


async def test_more_clips_than_allowed_at_once_are_left_out(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "clips", most=1)
    async with bench.disk() as disk:
        recorder = bench.recorder(disk)
        recorder.note(bench.event("new", 0.0))
        recorder.note(bench.event("new", 0.0, name="second"))
        assert bench.count("skipped") == 1
        recorder.stop()
        await recorder.run()
    assert (bench.count("skipped"), list(bench.folder.iterdir())) == (2, []), "and so are those without video"


class FullDisk(io.BytesIO):
    def write(self, _: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_full_disk_is_said_and_recording_goes_on_when_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_video(tmp_path / "a.mp4", (numbered(number) for number in range(200)))
    bench = Bench(tmp_path / "clips")
    full = True

    def opener(path: Path) -> Any:
        real = path.open("wb")
        if full:
            real.close()
            return FullDisk()
        return real

    async with bench.disk(opener=opener) as disk:
        recorder = bench.recorder(disk)
        with bench.playing(tmp_path / "a.mp4", recorder) as play:
            play(2.0)
            recorder.note(bench.event("new", 2.0))
            play(3.5)
            recorder.note(bench.event("end", 2.0, 2.1))
            await recorder.look()
            assert bench.count("failed") == 1
            assert disk.rests
            assert "No space left on device" in disk.problem
            assert "No space left on device" in caplog.text
            assert list(bench.folder.iterdir()) == [], "nothing half written stays"
            recorder.note(bench.event("new", 3.5, name="paused"))
            assert bench.count("skipped") == 1
            full = False
            bench.now += PAUSE
            recorder.note(bench.event("new", bench.now - 1, name="second"))
            recorder.note(bench.event("end", bench.now - 1, bench.now - 1, name="second"))
            bench.now += 3
            await recorder.look()
        assert (disk.problem, disk.rests, bench.count("written")) == ("", False, 1)


async def test_too_little_room_counts_as_a_full_disk(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", (numbered(number) for number in range(50)))
    bench = Bench(tmp_path / "clips", free=100)
    async with bench.disk(free=lambda _: 99_000_000) as disk:
        recorder = bench.recorder(disk)
        with bench.playing(tmp_path / "a.mp4", recorder) as play:
            play(1.0)
            recorder.note(bench.event("new", 1.0))
            await recorder.look()
        assert "less than events.clips.free = 100 MB is left" in disk.problem
