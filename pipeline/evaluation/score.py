"""Scoring folders of anybody's saliency maps, such as those that authors publish."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.datasets import Dataset
from pipeline.evaluation.datasets import Sequence as VideoSequence
from pipeline.evaluation.errors import MapsError
from pipeline.evaluation.ground_truth import UnreadableImageError, read_image
from pipeline.evaluation.jobs import Advance, Schedule, run_jobs
from pipeline.evaluation.layouts.pairing import LabelledFrame, number, pictures
from pipeline.evaluation.results import SequenceResult
from pipeline.evaluation.scoring import SequenceScorer

COLUMN = "map"
"""The one column of a folder's results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreJob:
    """The maps of one method for one sequence.

    Attributes:
        method: name of the method.
        sequence: the sequence with its ground truth.
        folder: where its maps are; None if there are none.
    """

    method: str
    sequence: VideoSequence
    folder: Path | None

    @property
    def name(self) -> str:
        """What progress is reported under."""
        return f"{self.method}/{self.sequence.name}"

    @property
    def length(self) -> int:
        """Frames with ground truth."""
        return len(self.sequence.labelled)

    @property
    def inputs(self) -> str:
        """Digest of the sequence's files and of the maps' folder."""
        found = self.folder.stat().st_mtime_ns if self.folder else 0
        return f"{self.sequence.inputs} {self.folder} {found}"

    def __call__(self, advance: Advance) -> SequenceResult:
        """Score each labelled frame's map."""
        scorer = SequenceScorer(self.sequence, [COLUMN])
        found = pictures(self.folder) if self.folder else []
        by_name = {path.stem: path for path in found}
        by_number = {number(path.stem): path for path in found}
        for frame in self.sequence.labelled:
            path = by_name.get(frame.name, by_number.get(number(frame.name)))
            self._score(frame, path, scorer)
            advance(1)
        return SequenceResult(
            name=self.sequence.name, totals=scorer.totals, frames=self.length, problems=tuple(scorer.problems)
        )

    def _score(self, frame: LabelledFrame, path: Path | None, scorer: SequenceScorer) -> None:
        truth = scorer.truth(frame)
        if path is None:
            scorer.report("missing map", frame, f"nothing for this frame in {self.folder or 'any folder'}")
            return
        if truth is None:
            return
        try:
            saliency = read_image(path, cv2.IMREAD_GRAYSCALE)
        except UnreadableImageError as error:
            scorer.report("corrupt map", frame, str(error))
            return
        if saliency.shape != truth.mask.shape:
            detail = f"{path}: {_size(saliency.shape)}, resized to the ground truth's {_size(truth.mask.shape)}"
            scorer.report("size mismatch", frame, detail, scored=True)
            saliency = _resized(saliency, truth.mask.shape)
        scorer.add(frame, truth, {COLUMN: saliency})


def score_maps(folders: Mapping[str, Path], dataset: Dataset, schedule: Schedule) -> dict[str, list[SequenceResult]]:
    """Score each method's folder of maps, `FOLDER/SEQ/FRAME.png`; return the sequences' results by method.

    Raises:
        MapsError: a folder has no maps for any sequence of the data set.
    """
    jobs = []
    for method, folder in folders.items():
        places = {sequence.name: _maps_of(folder, sequence.name, dataset.name) for sequence in dataset.sequences}
        if not any(places.values()):
            names = ", ".join(sequence.name for sequence in dataset.sequences[:3])
            found = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) if folder.is_dir() else "no folder"
            message = f"{folder}: expected a folder of maps a sequence ({names}, …), found {found or 'nothing'}"
            raise MapsError(message)
        jobs += [
            ScoreJob(method=method, sequence=sequence, folder=places[sequence.name]) for sequence in dataset.sequences
        ]
    results = run_jobs(jobs, schedule)
    by_method: dict[str, list[SequenceResult]] = {method: [] for method in folders}
    for job, result in zip(jobs, results, strict=True):
        by_method[job.method].append(result)
    return by_method


def method_names(folders: Sequence[Path]) -> dict[str, Path]:
    """Name each folder of maps by its last part, by its last two where those are equal."""
    short = [folder.resolve().name for folder in folders]
    long = [f"{folder.resolve().parent.name}/{folder.resolve().name}" for folder in folders]
    names = long if len(set(short)) < len(short) else short
    return dict(zip(names, folders, strict=True))


def _maps_of(folder: Path, sequence: str, dataset: str) -> Path | None:
    """Return where a sequence's maps are: by name, under the data set's name, or anywhere once below."""
    candidates = [folder / sequence, folder / dataset / sequence, *sorted(folder.glob(f"*/{sequence}"))]
    return next((path for path in candidates if path.is_dir() and pictures(path)), None)


def _resized(saliency: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(saliency, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.uint8)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
