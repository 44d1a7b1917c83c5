"""What was wrong with single frames of a data set: named, counted, and no reason to stop."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Literal

Kind = Literal[
    "corrupt frame",
    "corrupt map",
    "corrupt mask",
    "empty ground truth",
    "missing frame",
    "missing map",
    "missing mask",
    "missing sequence",
    "size mismatch",
]
"""The ways in which a frame can fail to be scored."""

_NAMED = 5


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong with one frame.

    Attributes:
        sequence: its sequence.
        kind: what is wrong.
        frame: name of the frame, without suffix.
        detail: what was found, and where.
        scored: whether the frame was scored all the same.
    """

    sequence: str
    kind: Kind
    frame: str
    detail: str
    scored: bool = False


def summarise(problems: Iterable[Problem]) -> list[str]:
    """Return one line for each sequence and kind: how many frames, the first of them by name, a detail."""
    lines = []
    for (sequence, kind), group in groupby(sorted(problems), key=attrgetter("sequence", "kind")):
        found = list(group)
        names = ", ".join(problem.frame for problem in found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        outcome = "scored all the same" if all(problem.scored for problem in found) else "not scored"
        lines.append(f"{sequence}: {kind}: {names}{more} ({found[0].detail}); {outcome}")
    return lines
