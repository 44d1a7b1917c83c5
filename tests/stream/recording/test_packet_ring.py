import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from configs.source import SourceSettings
from stream.channel import Channel
from stream.frame import Frame
from stream.recording.packet_ring import CodedPacket, PacketRing
from stream.source import open_source
from tests.fakes.media import numbered, write_video


def ring_with(packets: str, seconds: float = 3.0, most: int = 1000) -> PacketRing:
    """Return a ring with a packet of 10 bytes a second: K is a keyframe."""
    ring = PacketRing(seconds, most)
    shape: Any = "h264"
    opening = ring.begin(shape, copying=True)
    for time, kind in enumerate(packets):
        ring.put(opening, CodedPacket(b"0123456789", time, time, 0, kind == "K", float(time)))
    return ring


def times(ring: PacketRing, start: float = 0.0) -> list[float]:
    cut = ring.cut(start)
    return [packet.arrived_at for packet in cut.packets] if cut else []


def test_packets_stay_from_the_last_keyframe_that_is_old_enough() -> None:
    """At 7 s the ring reaches back to 4 s: the group of the keyframe at 3 s is needed, that of 0 s is not."""
    assert times(ring_with("KppKppKp")) == [3, 4, 5, 6, 7]
    assert times(ring_with("KppKppK")) == [3, 4, 5, 6], "at 6 s the one at 3 s is just old enough"
    assert times(ring_with("KppKpp")) == [0, 1, 2, 3, 4, 5]


def test_what_comes_before_the_first_keyframe_is_of_no_use() -> None:
    assert times(ring_with("ppKpp")) == [2, 3, 4]
    assert times(ring_with("ppp")) == []


def test_a_cut_begins_at_the_keyframe_before_its_start() -> None:
    ring = ring_with("KppKppKp", seconds=100)
    assert times(ring, 5.9)[0] == 3
    assert times(ring, 6.0)[0] == 6
    assert times(ring, -1.0)[0] == 0, "or at the first one"


def test_bytes_are_bounded() -> None:
    assert times(ring_with("KppKppKpp", seconds=100, most=65)) == [3, 4, 5, 6, 7, 8]
    assert times(ring_with("KppppKp", seconds=100, most=40)) == [5, 6], "a group that is too large goes altogether"


def test_what_follows_a_packet_and_nothing_of_another_opening() -> None:
    ring = ring_with("KppKpp", seconds=100)
    cut = ring.cut(0)
    assert cut is not None
    follows = ring.after(cut.opening, cut.packets[3].number)
    assert follows is not None
    assert [packet.arrived_at for packet in follows] == [4, 5]
    ring.begin(None, copying=False)
    assert ring.after(cut.opening, 0) is None
    ring.put(cut.opening, CodedPacket(b"", 0, 0, 0, is_keyframe=True, arrived_at=9.0))
    assert ring.cut(0) is None, "a thread that was given up changes nothing any more"


@pytest.mark.parametrize(
    ("name", "codec", "copying"), [("a.mp4", "libx264", True), ("a.avi", "mjpeg", False), ("a.mkv", "mpeg4", False)]
)
async def test_a_source_copies_its_packets_only_where_they_fit(
    tmp_path: Path, name: str, codec: str, *, copying: bool
) -> None:
    write_video(tmp_path / name, (numbered(number) for number in range(20)), codec=codec)
    ring = PacketRing(60.0, 10**7)
    source = open_source(SourceSettings.model_validate({"url": str(tmp_path / name)}), ring=ring)
    out = Channel[Frame](1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(source.run(out), name="source")
        frames = [frame async for frame in out]
    assert len(frames) == 20
    assert ring.copying is copying
    cut = ring.cut(0)
    assert (len(cut.packets) if cut else 0) == (20 if copying else 0)
    if cut:
        assert [packet.pts * cut.shape.time_base for packet in cut.packets] == [Fraction(n, 25) for n in range(20)]
