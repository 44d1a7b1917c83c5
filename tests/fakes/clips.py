"""A recorder on a time line of its own, fed with a real file's packets or with frames."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from configs.events import ClipSettings
from stream.events import RegionEvent
from stream.frame import Frame
from stream.metrics import Metrics
from stream.recording.clip_disk import ClipDisk
from stream.recording.clip_folder import ClipFolder
from stream.recording.packet_tap import PacketTap
from stream.recording.recorder import Recorder, ring_for
from tests.fakes.media import numbered, read_number
from tests.fakes.region_events import region_at

WALL = 1_700_000_000.0
"""Unix time at second 0."""


class Bench:
    """A recorder whose clock the test moves.

    Attributes:
        now: seconds.
    """

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.now = 0.0
        self.folder = folder
        self.settings = ClipSettings.model_validate({"folder": folder, "before": 1, "after": 1, "free": 0} | settings)
        self.metrics = Metrics()

    def disk(self, **others: Any) -> ClipDisk:
        folder = ClipFolder(self.folder, self.settings, **others)
        return ClipDisk(folder, clock=lambda: self.now, wall=lambda: WALL + self.now)

    def recorder(self, disk: ClipDisk) -> Recorder:
        return Recorder(
            "door",
            ring_for(self.settings, 0.0),
            disk,
            self.settings,
            self.metrics.clips,
            clock=lambda: self.now,
            wall=lambda: WALL + self.now,
        )

    def count(self, result: str) -> float:
        labels = {"camera": "door", "result": result}
        return self.metrics.registry.get_sample_value("livesal_clips_total", labels) or 0.0

    def event(self, kind: Any, start: float, end: float | None = None, name: str = "abc123") -> RegionEvent:
        lasts = 0.0 if end is None else end - start
        return region_at(WALL + start, kind, lasts=lasts, camera="door", suffix=name)

    def clip(self, name: str = "abc123") -> Path:
        """Return where the clip of an event is; a path without a file if there is none."""
        return next(self.folder.glob(f"*-{name}.mp4"), self.folder / "none.mp4")

    @contextmanager
    def playing(self, path: Path, recorder: Recorder) -> Iterator[Callable[[float], None]]:
        """Give a function that lets the packets of a file come up to a time, each at its own."""
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            tap = PacketTap(recorder.ring, stream, clock=lambda: self.now)
            packets = container.demux(stream)
            start = Fraction(stream.start_time or 0)

            def play(until: float) -> None:
                for packet in packets:
                    time = packet.pts if packet.dts is None else packet.dts
                    if time is None:
                        break
                    self.now = float((time - start) * Fraction(packet.time_base))
                    tap.take(packet)
                    if self.now >= until:
                        break
                self.now = until

            yield play


def numbered_frame(number: int, rate: int = 25, width: int = 192) -> Frame:
    """Return a frame that carries its number, at its own time."""
    return Frame(numbered(number, width), number, Fraction(1, rate), number, number / rate)


def numbers_in(path: Path) -> list[int]:
    """Return the numbers of all pictures in a video, as PyAV decodes it."""
    with av.open(str(path)) as container:
        return [read_number(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
