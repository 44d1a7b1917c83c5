"""How frames are averaged: the paper's convention and that of the DAVSOD toolbox, which differ by points of maxF.

| | paper | toolbox |
|---|---|---|
| map | as it is | its darkest and brightest pixel stretched to 0 and 1 |
| found | level > threshold | level >= threshold |
| F | precision and recall averaged over all frames, then F (Eq. (10)) | F of each frame → sequence → data set |
| MAE | frame → sequence → data set | likewise, of the stretched map |
| S, E | of the stretched map; averaged over all frames | likewise; frame → sequence → data set |
| frames | all that have a ground truth | without each sequence's first and last ground truth |

E is the highest point of the averaged curve, as maxF is of F's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.metrics import (
    Curve,
    at_least,
    f_measure,
    level_values,
    mean_absolute_error,
    precision_recall,
)
from pipeline.evaluation.structure import e_measure, s_measure
from pipeline.evaluation.tally import Tally

Convention = Literal["paper", "toolbox"]
CONVENTIONS: Final[tuple[Convention, ...]] = ("paper", "toolbox")


@dataclass(frozen=True, slots=True, eq=False)
class FrameScore:
    """The measures of one map under one convention.

    Attributes:
        curves: (4, 256) precision, recall, F and E at each threshold.
        mae: mean absolute error.
        s: S-measure.
    """

    curves: NDArray[np.float64]
    mae: float
    s: float


@dataclass(slots=True, eq=False)
class Sums:
    """The measures of a sequence's frames under one convention, added up: of one size however many frames."""

    frames: int = 0
    curves: NDArray[np.float64] = field(default_factory=lambda: np.zeros((4, 256)))
    mae: float = 0.0
    s: float = 0.0

    def add(self, score: FrameScore) -> None:
        """Take one more frame in."""
        self.frames += 1
        self.curves += score.curves
        self.mae += score.mae
        self.s += score.s


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The five figures of a set of frames, by the names under which they are reported."""

    maxF: float  # noqa: N815 - the field's own name
    avgF: float  # noqa: N815
    MAE: float
    S: float
    E: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """What is plotted: each (256,) over the thresholds 0 … 255."""

    precision: Curve
    recall: Curve
    f: Curve


def score_frame(counted: Tally) -> dict[Convention, FrameScore]:
    """Return the measures of one map under both conventions."""
    salient, pixels = int(counted.foreground.sum()), counted.pixels
    stretched, plain = level_values(counted, stretch=True), level_values(counted, stretch=False)
    inside, outside = at_least(counted, stretched)
    structure = s_measure(counted, stretched)
    alignment = e_measure(inside, outside, salient, pixels)
    toolbox = precision_recall(inside, outside, salient)
    above, stray = (np.append(curve[1:], 0.0) for curve in at_least(counted, plain))
    paper = precision_recall(above, stray, salient)
    return {
        "paper": FrameScore(
            np.stack([*paper, f_measure(*paper), alignment]), mean_absolute_error(counted, plain), structure
        ),
        "toolbox": FrameScore(
            np.stack([*toolbox, f_measure(*toolbox), alignment]), mean_absolute_error(counted, stretched), structure
        ),
    }


def counts_for(convention: Convention, index: int, labelled: int) -> bool:
    """Return whether the `index`-th of a sequence's `labelled` ground truths counts.

    The toolbox leaves out the first and the last. Sequences of one or two would vanish, so all of theirs count.
    """
    return convention == "paper" or labelled < 3 or 0 < index < labelled - 1


def averages(sequences: Iterable[Sums], convention: Convention) -> tuple[Scores, Curves] | None:
    """Return the figures and curves of one or more sequences; None where no frame was scored."""
    scored = [sums for sums in sequences if sums.frames]
    if not scored:
        return None
    means = [sums.curves / sums.frames for sums in scored]
    over_sequences = np.mean(means, axis=0)
    frames = sum(sums.frames for sums in scored)
    over_frames = np.sum([sums.curves for sums in scored], axis=0) / frames
    precision, recall, f, e = over_frames if convention == "paper" else over_sequences
    if convention == "paper":
        f = f_measure(precision, recall)
        structure = sum(sums.s for sums in scored) / frames
    else:
        structure = _mean([sums.s / sums.frames for sums in scored])
    scores = Scores(
        maxF=float(f.max()),
        avgF=float(f.mean()),
        MAE=_mean([sums.mae / sums.frames for sums in scored]),
        S=structure,
        E=float(e.max()),
    )
    return scores, Curves(precision=precision, recall=recall, f=f)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
