"""What an evaluation found: the sums of each sequence, kept in one file, and the object that `--json` prints."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.conventions import CONVENTIONS, Convention, Scores, Sums, averages
from pipeline.evaluation.datasets import Scene
from pipeline.evaluation.problems import Problem
from pipeline.evaluation.timeline import Happening, Timeline

Totals = dict[str, dict[Convention, Sums]]
"""By column (a stage of the method, or a method), by convention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the adaptation did.

    Attributes:
        keyframes: frames whose NR was below the threshold.
        retrainings: rounds of retraining, whatever their outcome.
        swaps: twins put into service.
        rejected: twins that were no better on held-out keyframes.
    """

    keyframes: int = 0
    retrainings: int = 0
    swaps: int = 0
    rejected: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: value + getattr(other, name) for name, value in asdict(self).items()})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SequenceResult:
    """All that remains of a sequence: but for the timeline, its size does not depend on the sequence's length.

    Attributes:
        name: of the sequence.
        totals: sums of its frames' measures.
        frames: frames that went through.
        seconds: computing time, reading and scoring left out.
        counts: what the adaptation did.
        problems: frames with something wrong.
        timeline: the score over time, of a sequence in live mode.
    """

    name: str
    totals: Totals
    frames: int = 0
    seconds: float = 0.0
    counts: Counts = field(default_factory=Counts)
    problems: tuple[Problem, ...] = ()
    timeline: Timeline | None = None


def new_totals(columns: Sequence[str]) -> Totals:
    """Return empty sums for each column and convention."""
    return {column: {convention: Sums() for convention in CONVENTIONS} for column in columns}


def save_result(result: SequenceResult, path: Path, fingerprint: str) -> None:
    """Write a sequence's result, atomically: an evaluation that is killed goes on with the next sequence.

    Args:
        result: what to write.
        path: the file.
        fingerprint: of everything that the result depends on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {
        "fingerprint": fingerprint,
        "name": result.name,
        "frames": result.frames,
        "seconds": result.seconds,
        "counts": asdict(result.counts),
        "problems": [asdict(problem) for problem in result.problems],
        "columns": list(result.totals),
    }
    arrays: dict[str, NDArray[Any]] = {}
    for index, sums in enumerate(result.totals.values()):
        for convention, one in sums.items():
            arrays[f"{index}-{convention}-curves"] = one.curves
            arrays[f"{index}-{convention}-scalars"] = np.array([one.frames, one.mae, one.s])
    if result.timeline is not None:
        line = result.timeline
        facts["happenings"] = [asdict(one) for one in line.happenings]
        facts["scenes"] = [asdict(scene) for scene in line.scenes]
        arrays |= {"timeline-frames": line.frames, "timeline-sums": line.sums}
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, facts=np.array(json.dumps(facts)), **arrays)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load_result(path: Path, fingerprint: str) -> SequenceResult | None:
    """Return the result in `path`; None if there is none, it is damaged, or it came about under other conditions."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            facts = json.loads(str(stored["facts"]))
            if facts["fingerprint"] != fingerprint:
                return None
            totals: Totals = {}
            for index, column in enumerate(facts["columns"]):
                totals[column] = {}
                for convention in CONVENTIONS:
                    frames, mae, s = stored[f"{index}-{convention}-scalars"].tolist()
                    curves = stored[f"{index}-{convention}-curves"]
                    totals[column][convention] = Sums(frames=int(frames), curves=curves, mae=mae, s=s)
            timeline = _timeline(facts, stored) if "happenings" in facts else None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return SequenceResult(
        name=facts["name"],
        totals=totals,
        frames=facts["frames"],
        seconds=facts["seconds"],
        counts=Counts(**facts["counts"]),
        problems=tuple(Problem(**problem) for problem in facts["problems"]),
        timeline=timeline,
    )


def _timeline(facts: Mapping[str, Any], stored: Mapping[str, Any]) -> Timeline:
    return Timeline(
        frames=stored["timeline-frames"],
        sums=stored["timeline-sums"],
        happenings=[Happening(**one) for one in facts["happenings"]],
        scenes=tuple(Scene(**scene) for scene in facts["scenes"]),
    )


def scores_of(results: Sequence[SequenceResult], columns: Sequence[str]) -> dict[Convention, dict[str, Scores | None]]:
    """Return the figures over all `results`, by convention and column; None where no frame was scored."""
    table: dict[Convention, dict[str, Scores | None]] = {}
    for convention in CONVENTIONS:
        table[convention] = {}
        for column in columns:
            found = averages((result.totals[column][convention] for result in results), convention)
            table[convention][column] = found[0] if found else None
    return table


def json_scores(results: Sequence[SequenceResult], columns: Sequence[str]) -> dict[str, Any]:
    """Return `scores_of` as plain values for JSON: null where no frame was scored."""
    table = scores_of(results, columns)
    return {
        convention: {column: asdict(scores) if scores else None for column, scores in found.items()}
        for convention, found in table.items()
    }


def json_report(results: Sequence[SequenceResult], columns: Sequence[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object that `--json` prints, after the `facts` that say what was evaluated."""
    return {
        **facts,
        "conventions": json_scores(results, columns),
        "sequences": {result.name: json_scores([result], columns) for result in results},
    }
