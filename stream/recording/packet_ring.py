"""The last seconds of one camera's coded video, ready to be cut out."""

import io
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import av
from av.container import OutputContainer
from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True, eq=False)
class CodedPacket:
    """One coded picture.

    Attributes:
        payload: as its codec wrote it.
        pts: presentation time in units of its shape's time base.
        dts: decoding time, likewise.
        duration: likewise; 0 where it is unknown.
        is_keyframe: whether decoding can start here.
        arrived_at: monotonic clock in seconds.
        number: of the packet in its ring, rising over all openings.
    """

    payload: bytes
    pts: int
    dts: int
    duration: int
    is_keyframe: bool
    arrived_at: float
    number: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What a file has to say of packets before the first of them: codec, size, parameter sets.

    It outlives the source that it was taken from.

    Attributes:
        template: a stream that others are made after.
        time_base: seconds per unit of the packets' times.
        holder: keeps the template alive.
    """

    template: VideoStream
    time_base: Fraction
    holder: OutputContainer

    @classmethod
    def of(cls, stream: VideoStream, time_base: Fraction) -> Self:
        """Return the shape of `stream`, of an open source."""
        holder = av.open(io.BytesIO(), "w", format="mp4")
        return cls(holder.add_stream_from_template(stream), time_base, holder)


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Packets of one opening of a source, the first of them a keyframe."""

    opening: int
    shape: Shape
    packets: Sequence[CodedPacket]


class PacketRing:
    """Holds the last seconds of packets, from a keyframe on; one thread puts, another one cuts.

    The lock is held for a few assignments only. Packets leave by groups that begin with a keyframe: when a younger
    group is old enough, or there are too many bytes.

    Attributes:
        copying: whether the source's own packets come; else someone has to code its frames.
    """

    def __init__(self, seconds: float, most_bytes: int) -> None:
        """Make an empty ring that reaches `seconds` back and holds at most `most_bytes`."""
        self.copying = False
        self._seconds = seconds
        self._most = most_bytes
        self._bytes = 0
        self._number = 0
        self._opening = 0
        self._shape: Shape | None = None
        self._groups: deque[list[CodedPacket]] = deque()
        self._lock = threading.Lock()

    @property
    def opening(self) -> int:
        """Number of the opening whose packets are taken now."""
        return self._opening

    def begin(self, shape: Shape | None, *, copying: bool) -> int:
        """Forget all, for packets of another shape come now, or (None) none; return the number of this opening."""
        with self._lock:
            self.copying = copying
            self._opening += 1
            self._shape = shape
            self._groups.clear()
            self._bytes = 0
            return self._opening

    def put(self, opening: int, packet: CodedPacket) -> None:
        """Add a packet; one of an earlier opening, and one before the first keyframe, are left out."""
        with self._lock:
            if opening != self._opening or not (packet.is_keyframe or self._groups):
                return
            self._number += 1
            kept = CodedPacket(
                packet.payload,
                packet.pts,
                packet.dts,
                packet.duration,
                packet.is_keyframe,
                packet.arrived_at,
                self._number,
            )
            if packet.is_keyframe:
                self._groups.append([])
            self._groups[-1].append(kept)
            self._bytes += len(kept.payload)
            self._trim(packet.arrived_at - self._seconds)

    def cut(self, start: float) -> Cut | None:
        """Return what there is from the last keyframe that arrived at `start` or before, else from the first."""
        with self._lock:
            if self._shape is None or not self._groups:
                return None
            early = [number for number, group in enumerate(self._groups) if group[0].arrived_at <= start]
            first = early[-1] if early else 0
            packets = [packet for group in list(self._groups)[first:] for packet in group]
            return Cut(self._opening, self._shape, packets)

    def after(self, opening: int, number: int) -> Sequence[CodedPacket] | None:
        """Return the packets that follow packet `number`; None once `opening` is over."""
        with self._lock:
            if opening != self._opening:
                return None
            return [
                packet
                for group in self._groups
                if group[-1].number > number
                for packet in group
                if packet.number > number
            ]

    def _trim(self, start: float) -> None:
        while len(self._groups) > 1 and (self._groups[1][0].arrived_at <= start or self._bytes > self._most):
            self._bytes -= sum(len(packet.payload) for packet in self._groups.popleft())
        if self._bytes > self._most:  # a single group: wait for the next keyframe
            self._groups.clear()
            self._bytes = 0
