"""Live statistics of what serves: whether a twin does worse than what it replaced, and whether the scene has drifted.

Both statistics are means over seconds of media time, so that thresholds mean the same at any frame rate, and both
tests are cumulative sums (CUSUM, Page 1954): what lies beyond the slack adds up, what does not wears it off again.

- *Benefit* of the twin over the original on keyframes, [-1, 1]. While a twin is on probation, its fall below the
  benefit of what it replaced adds up; afterwards, its fall below 0, which is where the original stands.
- *NR* of frames in which motion and colour find something. Its rise above its own running mean adds up, in running
  deviations; no second counts for more than three.
"""

from dataclasses import dataclass, replace
from typing import Final

from configs.guards import DriftSettings

_WIDTH: Final = 1.0
"""Seconds of media time that are one observation."""
_MEMORY: Final = 60
"""Observations over which a running mean forgets."""
_LEAST_DEVIATION: Final = 0.05
"""Of NR: smaller deviations would make noise of nothing an alarm."""
_MOST: Final = 3.0
"""Deviations that one second counts for at most."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Values of one second, not yet an observation.

    Attributes:
        begins: media time in seconds; None before the first value.
        total: sum of the values.
        count: how many there are.
    """

    begins: float | None = None
    total: float = 0.0
    count: int = 0

    def add(self, time: float, value: float) -> "tuple[Bin, float | None]":
        """Return the bin with one more value, and the mean of the one before if that second is over."""
        if self.begins is None:
            return Bin(time, value, 1), None
        if time - self.begins < _WIDTH:
            return Bin(self.begins, self.total + value, self.count + 1), None
        return Bin(time, value, 1), self.total / self.count


@dataclass(frozen=True, slots=True)
class Running:
    """A mean and a variance that forget slowly.

    Attributes:
        count: observations so far.
        mean: of them.
        variance: of them.
    """

    count: int = 0
    mean: float = 0.0
    variance: float = 0.0

    def add(self, value: float) -> "Running":
        """Return the statistics with one more observation."""
        rate = 1 / min(self.count + 1, _MEMORY)
        step = value - self.mean
        return Running(self.count + 1, self.mean + rate * step, (1 - rate) * (self.variance + rate * step * step))


@dataclass(frozen=True, slots=True)
class Live:
    """What is known of the weights in service and of the scene.

    Attributes:
        ratio_bin: NR of the second that is running.
        ratio: NR over seconds.
        rise: cumulative sum of NR's rise, in deviations.
        benefit_bin: benefit of the second that is running.
        benefit: of the twin in service, over seconds with keyframes.
        fall: cumulative sum of the benefit's fall.
        reference: benefit of what served before the twin; 0 = that of the original.
    """

    ratio_bin: Bin = Bin()
    ratio: Running = Running()
    rise: float = 0.0
    benefit_bin: Bin = Bin()
    benefit: Running = Running()
    fall: float = 0.0
    reference: float = 0.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """A test that went off.

    Attributes:
        of_twin: whether it is the twin that does badly; else the scene has drifted.
        reason: in words.
    """

    of_twin: bool
    reason: str


def swapped(live: Live, reference: float) -> Live:
    """Return `live` with another twin in service: its benefit begins anew, the scene's NR goes on."""
    return replace(live, benefit_bin=Bin(), benefit=Running(), fall=0.0, reference=reference)


def observe(
    live: Live, time: float, nr: float, benefit: float | None, settings: DriftSettings
) -> tuple[Live, Alarm | None]:
    """Take note of a frame; return what is known then, and the alarm that it raises.

    Args:
        live: what was known.
        time: media time in seconds.
        nr: of the frame; 1 means that nothing was found in it, which says nothing of drift.
        benefit: of the twin on the frame; None where the frame is no keyframe.
        settings: of the tests.
    """
    if not settings.enabled:
        return live, None
    if benefit is not None:
        live = _with_benefit(live, time, benefit, settings)
        if live.fall > settings.fall:
            seen = f"{live.benefit.mean:+.2f} over {live.benefit.count} s"
            return live, Alarm(
                of_twin=True, reason=f"its benefit on keyframes was {seen}, {live.reference:+.2f} before"
            )
    if nr < 1:
        live = _with_ratio(live, time, nr, settings)
        if live.rise > settings.deviations:
            return live, Alarm(of_twin=False, reason=f"drift: NR rose above its mean of {live.ratio.mean:.2f}")
    return live, None


def _with_benefit(live: Live, time: float, benefit: float, settings: DriftSettings) -> Live:
    running, seen = live.benefit_bin.add(time, benefit)
    if seen is None:
        return replace(live, benefit_bin=running)
    fall = max(0.0, live.fall + live.reference - seen - settings.slack)
    return replace(live, benefit_bin=running, benefit=live.benefit.add(seen), fall=fall)


def _with_ratio(live: Live, time: float, nr: float, settings: DriftSettings) -> Live:
    running, seen = live.ratio_bin.add(time, nr)
    if seen is None:
        return replace(live, ratio_bin=running)
    rise = live.rise
    if live.ratio.count >= settings.settle:
        deviation = max(live.ratio.variance**0.5, _LEAST_DEVIATION)
        rise = max(0.0, rise + min((seen - live.ratio.mean) / deviation, _MOST) - 1)
    return replace(live, ratio_bin=running, ratio=live.ratio.add(seen), rise=rise)
