"""Scoring the maps of one sequence against its ground truth, frame by frame."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.conventions import FrameScore, counts_for, score_frame
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
        unlabelled = [frame.name for frame in sequence.frames if not frame.masks]
        if unlabelled and not sequence.sparse:
            detail = f"{len(unlabelled)} of {len(sequence.frames)} frames have no ground truth"
            self.problems += [Problem(sequence.name, "missing mask", name, detail) for name in unlabelled]

    def truth(self, frame: LabelledFrame) -> GroundTruth | None:
        """Return the ground truth of a frame, or None, and a problem more, if it cannot be scored."""
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
        if truth.empty:
            self.report("empty ground truth", frame, f"{frame.masks[0]}: nothing is salient, so recall is undefined")
            return None
        return truth

    def add(
        self, frame: LabelledFrame, truth: GroundTruth, maps: Mapping[str, NDArray[np.uint8]]
    ) -> dict[str, FrameScore]:
        """Score the maps of a frame, each (h, w) uint8 of the ground truth's size, by column.

        Returns:
            The measures of each column by the toolbox's convention, for picking frames to show.
        """
        shown = {}
        for column, saliency in maps.items():
            scores = score_frame(tally(saliency, truth))
            shown[column] = scores["toolbox"]
            for convention, score in scores.items():
                if counts_for(convention, self._order[frame.name], len(self._order)):
                    self.totals[column][convention].add(score)
        return shown

    def report(self, kind: Kind, frame: LabelledFrame, detail: str, *, scored: bool = False) -> None:
        """Remember that something is wrong with a frame."""
        self.problems.append(Problem(self._sequence.name, kind, frame.name, detail, scored))
