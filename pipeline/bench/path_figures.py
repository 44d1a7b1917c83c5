"""From what service and viewer recorded to the figures of the live path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.adaptation import BUSY
from pipeline.bench.processes import Running
from pipeline.bench.report import Figured, Line, Value, above, below

_SETTLED: Final = 5.0
"""Most seconds after the first frame that are left out of what is said of the steady state; a quarter of short runs."""
_MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One run; times in seconds after the service's process was started.

    Attributes:
        sequence: number of each frame whose maps were made.
        arrived: when it left the decoder.
        ready: when its maps were ready.
        coded: when its packet was; NaN where it was not coded.
        busy: whether a round was running.
        version: of the twin that served it.
        shown: when the viewer had each picture decoded.
        numbers: burnt into those; -1 = unreadable.
        swaps: when twins were swapped in.
        rounds: how many ended, whatever their outcome.
        serving: when the service answered.
        memory: bytes resident of the service alone, most.
        family: likewise with its retraining child.
        cores: that the service used.
    """

    sequence: NDArray[np.int64]
    arrived: NDArray[np.float64]
    ready: NDArray[np.float64]
    coded: NDArray[np.float64]
    busy: NDArray[np.bool_]
    version: NDArray[np.int64]
    shown: NDArray[np.float64]
    numbers: NDArray[np.int64]
    swaps: Sequence[float]
    rounds: int
    serving: float
    memory: int
    family: int
    cores: float

    @classmethod
    def of(
        cls, recorded: Mapping[str, Any], shown: Sequence[tuple[float, int | None]], service: Running, serving: float
    ) -> Self:
        """Put together what the two processes told."""
        zero = service.started_at
        frames = recorded["frames"]
        coded_at = {media: at for _, media, at in recorded["packets"]}
        steps = recorded["steps"]
        return cls(
            sequence=np.array([one[1] for one in frames], np.int64),
            arrived=np.array([one[3] for one in frames], np.float64) - zero,
            ready=np.array([one[4] for one in frames], np.float64) - zero,
            coded=np.array([coded_at.get(one[2], np.nan) for one in frames], np.float64) - zero,
            busy=np.array([one[5] in BUSY for one in frames], np.bool_),
            version=np.array([one[6] for one in frames], np.int64),
            shown=np.array([at for at, _ in shown], np.float64) - zero,
            numbers=np.array([-1 if number is None else number for _, number in shown], np.int64),
            swaps=[at - zero for _, kind, at, _ in steps if kind == "swapped"],
            rounds=sum(kind in {"swapped", "rejected", "failed"} for _, kind, _, _ in steps),
            serving=serving - zero,
            memory=max(sample[2] for sample in service.samples),
            family=max(sample[3] for sample in service.samples),
            cores=service.cores(serving),
        )

    @property
    def steady(self) -> NDArray[np.bool_]:
        """Frames of the steady state."""
        return _settled(self.arrived)

    def packet_ms(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return milliseconds from decoder to packet of the chosen frames that became one."""
        taken = 1000 * (self.coded - self.arrived)[chosen]
        return taken[np.isfinite(taken)]

    def screen_ms(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return when pictures were shown, and milliseconds from the decoder to the screen."""
        arrived = dict(zip(self.sequence.tolist(), self.arrived.tolist(), strict=True))
        pairs = [
            (at, 1000 * (at - arrived[number]))
            for at, number in zip(self.shown.tolist(), self.numbers.tolist(), strict=True)
            if number in arrived
        ]
        pairs = pairs[int(np.argmax(_settled(np.array([at for at, _ in pairs])))) :] if pairs else []
        times, delays = zip(*pairs, strict=True) if pairs else ((), ())
        return np.array(times, np.float64), np.array(delays, np.float64)

    def lost_to_swaps(self) -> int:
        """Return frames missing between the last frame of a version and the first of the next, of other versions."""
        change = np.flatnonzero(np.diff(self.version) != 0)
        return int(sum(self.sequence[at + 1] - self.sequence[at] - 1 for at in change if self.version[at + 1] != 0))


def rows(recording: Recording) -> list[dict[str, Value]]:
    """Return percentiles from decoder to packet: outside of rounds (the baseline), and during them."""
    steady = recording.steady
    table: list[dict[str, Value]] = []
    for name, chosen in (
        ("without retraining", steady & ~recording.busy),
        ("with retraining", steady & recording.busy),
    ):
        taken = recording.packet_ms(chosen)
        found = [_percentile(taken, share) for share in (50, 95, 99)]
        table.append({"frames": name, "p50 ms": found[0], "p95 ms": found[1], "p99 ms": found[2], "count": len(taken)})
    if all(isinstance(row["p99 ms"], float) for row in table):
        ratio: dict[str, Value] = {"frames": "with / without", "count": None}
        for key in ("p50 ms", "p95 ms", "p99 ms"):
            ratio[key] = round(float(table[1][key] or 0) / max(float(table[0][key] or 0), 1e-9), 2)
        table.append({key: ratio[key] for key in table[0]})
    return table


def figures(recording: Recording, fps: int, *, numbered: bool) -> dict[str, Figured]:
    """Return the figures of the project's targets."""
    steady = recording.steady
    taken = recording.packet_ms(steady)
    table = rows(recording)
    ratio = table[2]["p99 ms"] if len(table) > 2 else None
    _, delays = recording.screen_ms()
    first_swap = recording.swaps[0] - recording.serving if recording.swaps else None
    found = {
        "frames/s on the viewer's screen": above(_rate(recording.shown), 0.995 * min(fps, 30), "frames/s"),
        "frames/s analysed": above(_rate(recording.ready), 0.995 * min(fps, 30), "frames/s"),
        "growth of frame age": below(_slope(recording.arrived, recording.ready, steady), 1.0, "ms a minute"),
        "decode to packet, median": below(_percentile(taken, 50), 30, "ms"),
        "decode to packet, p99": below(_percentile(taken, 99), 60, "ms"),
        "p99 with retraining / without": below(float(ratio) if isinstance(ratio, float) else None, 1.2, ""),
        "frames lost to swaps": below(float(recording.lost_to_swaps()), 0, f"in {len(recording.swaps)} swaps"),
        "start to first frame on screen": below(float(recording.shown[0]) if len(recording.shown) else None, 3, "s"),
        "serving to first swap": below(first_swap, 15, "s"),
        "memory of the service": below(recording.memory / _MEBIBYTE, 1024, "MiB"),
        "memory with the retraining child": Figured(value=round(recording.family / _MEBIBYTE, 1), unit="MiB"),
        "cores that the service used": Figured(value=round(recording.cores, 2), unit="cores"),
        "rounds": Figured(value=recording.rounds),
    }
    if numbered:
        found["capture to screen, median"] = below(_percentile(delays, 50), 150, "ms")
        found["capture to screen, p99"] = Figured(value=_percentile(delays, 99), unit="ms")
    return found


def lines(recording: Recording) -> dict[str, Line]:
    """Return what the plot shows: frame age and latency over time, swaps marked."""
    seen = np.isfinite(recording.coded) & recording.steady
    coded, ready = recording.coded[seen], recording.ready[seen]
    times, delays = recording.screen_ms()
    found = {
        "decoder to maps": Line(
            x=ready.tolist(), y=(1000 * (ready - recording.arrived[seen])).tolist(), marks=recording.swaps
        ),
        "decoder to packet": Line(x=coded.tolist(), y=(1000 * (coded - recording.arrived[seen])).tolist()),
    }
    if len(times):
        found["decoder to screen"] = Line(x=times.tolist(), y=delays.tolist())
    return found


def _percentile(values: NDArray[np.float64], share: float) -> float | None:
    return round(float(np.percentile(values, share)), 2) if len(values) else None


def _settled(times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of rising times belong to the steady state."""
    if not len(times):
        return np.zeros(0, np.bool_)
    return times >= times[0] + min(_SETTLED, (times[-1] - times[0]) / 4)


def _rate(times: NDArray[np.float64]) -> float | None:
    kept = times[_settled(times)]
    return round((len(kept) - 1) / float(kept[-1] - kept[0]), 2) if len(kept) > 1 else None


def _slope(arrived: NDArray[np.float64], ready: NDArray[np.float64], steady: NDArray[np.bool_]) -> float | None:
    """Return by how many milliseconds the age of frames grows in a minute."""
    if np.count_nonzero(steady) < 2:
        return None
    return round(60_000 * float(np.polyfit(arrived[steady], (ready - arrived)[steady], 1)[0]), 3)
