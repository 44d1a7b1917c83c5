"""Scoring the maps of one sequence against its ground truth, frame by frame."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.conventions import Convention, FrameScore, counts_for, score_frame
from pipeline.evaluation.datasets import Sequence as VideoSequence
from pipeline.evaluation.ground_truth import GroundTruth, UnreadableImageError
from pipeline.evaluation.layouts.pairing import LabelledFrame
from pipeline.evaluation.problems import Kind, Problem
from pipeline.evaluation.results import Totals, new_totals
from pipeline.evaluation.tally import tally


class SequenceScorer:
    """Adds up the measures of a sequence's maps, and remembers what was wrong with which frame.

    Attributes:
        totals: the sums so far, by column and convention.
        problems: frames with something wrong so far.
    """

    def __init__(self, sequence: VideoSequence, columns: Sequence[str]) -> None:
        """Begin with nothing scored."""
        self.totals: Totals = new_totals(columns)
        self.problems: list[Problem] = []
        self._sequence = sequence
        self._order = {frame.name: index for index, frame in enumerate(sequence.labelled)}
        self._reported: set[tuple[Kind, Path | None, tuple[Path, ...]]] = set()
        unlabelled = [frame for frame in sequence.frames if not frame.masks]
        if not sequence.sparse:
            for frame in unlabelled:
                detail = f"{len(unlabelled)} of {len(sequence.frames)} frames have no ground truth"
                self.report("missing mask", frame, detail)

    def truth(self, frame: LabelledFrame, size: tuple[int, int] | None = None) -> GroundTruth | None:
        """Return the ground truth of a frame, or None, and a problem more, if it cannot be scored.

        Args:
            frame: whose ground truth is wanted.
            size: (height, width) that it must have; None takes any.
        """
        if not frame.masks:
            return None
        try:
            truth = self._sequence.ground_truth(frame)
        except UnreadableImageError as error:
            self.report("corrupt mask", frame, str(error))
            return None
        except ValueError as error:
            self.report("size mismatch", frame, str(error))
            return None
        if size is not None and truth.mask.shape != size:
            height, width = truth.mask.shape
            self.report(
                "size mismatch", frame, f"{frame.masks[0]}: {width}x{height} for a frame of {size[1]}x{size[0]}"
            )
            return None
        if truth.empty:
            self.report("empty ground truth", frame, f"{frame.masks[0]}: nothing is salient, so recall is undefined")
            return None
        return truth

    def add(
        self, frame: LabelledFrame, truth: GroundTruth, maps: Mapping[str, NDArray[np.uint8]]
    ) -> dict[str, dict[Convention, FrameScore]]:
        """Score the maps of a frame, each (h, w) uint8 of the ground truth's size, by column.

        Returns:
            The measures by column and convention.
        """
        found: dict[str, dict[Convention, FrameScore]] = {}
        known: dict[int, dict[Convention, FrameScore]] = {}  # one map can stand in two columns
        for column, saliency in maps.items():
            if id(saliency) not in known:
                known[id(saliency)] = score_frame(tally(saliency, truth))
            found[column] = known[id(saliency)]
            for convention, score in found[column].items():
                if counts_for(convention, self._order[frame.name], len(self._order)):
                    self.totals[column][convention].add(score)
        return found

    def report(self, kind: Kind, frame: LabelledFrame, detail: str, *, scored: bool = False) -> None:
        """Remember that something is wrong with a frame; once, if a joined stream shows it again."""
        if (kind, frame.image, frame.masks) not in self._reported:
            self._reported.add((kind, frame.image, frame.masks))
            self.problems.append(Problem(self._sequence.name, kind, frame.name, detail, scored))
