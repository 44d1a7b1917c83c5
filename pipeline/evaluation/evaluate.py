"""Evaluating the method on a labelled data set: run, score every stage, remember what is worth showing."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.conventions import FrameScore
from pipeline.evaluation.datasets import Dataset
from pipeline.evaluation.datasets import Sequence as VideoSequence
from pipeline.evaluation.fingerprint import fingerprint
from pipeline.evaluation.gallery import Gallery, maps_of
from pipeline.evaluation.ground_truth import GroundTruth, UnreadableImageError, read_rgb
from pipeline.evaluation.jobs import Advance, Schedule, run_jobs
from pipeline.evaluation.layouts.pairing import LabelledFrame
from pipeline.evaluation.problems import Kind, Problem
from pipeline.evaluation.results import Counts, SequenceResult, json_report
from pipeline.evaluation.runner import Runner, RunPlan
from pipeline.evaluation.scoring import SequenceScorer
from pipeline.evaluation.similarity import structural_similarity
from pipeline.evaluation.tally import quantise
from pipeline.evaluation.timeline import WINDOW, Timeline
from pipeline.values import SaliencyFrame

STAGES: Final = ("colour", "motion", "low_level", "final")
"""The maps that are scored, by the names under which they are reported."""

UNADAPTED: Final = "unadapted"
"""What the final map would be without a twin: scored too, to tell what adapting gains."""

SCORED: Final = (*STAGES, UNADAPTED)
"""All columns of an evaluation's results."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A frame of a data set with its picture, (H, W, 3) uint8 RGB."""

    frame: LabelledFrame
    image: NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class Video:
    """A sequence's pictures, as often as they are asked for; `missing` names those that are not there, and why."""

    sequence: VideoSequence
    missing: dict[str, tuple[Kind, LabelledFrame, str]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Picture]:
        for frame in self.sequence.frames:
            if frame.image is None:
                detail = f"{frame.masks[0]} has no picture"
                self.missing[frame.name] = ("missing frame", frame, detail)
                continue
            try:
                image = read_rgb(frame.image)
            except UnreadableImageError as error:
                self.missing[frame.name] = ("corrupt frame", frame, str(error))
                continue
            yield Picture(frame, image)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationJob:
    """One sequence through the method.

    Attributes:
        sequence: with its ground truth.
        plan: how it is gone through.
        output: folder of what is kept beside the scores.
        maps: folder to save the final maps in, or None.
    """

    sequence: VideoSequence
    plan: RunPlan
    output: Path
    maps: Path | None = None

    @property
    def name(self) -> str:
        """What progress is reported under."""
        return self.sequence.name

    @property
    def length(self) -> int:
        """Frames to go through."""
        return len(self.sequence.frames)

    @property
    def inputs(self) -> str:
        """Digest of the sequence's files."""
        return self.sequence.inputs

    def __call__(self, advance: Advance) -> SequenceResult:
        """Run the method and score every stage of each labelled frame."""
        video, runner = Video(self.sequence), Runner(self.plan)
        scorer, gallery = SequenceScorer(self.sequence, SCORED), Gallery()
        timeline = Timeline(scenes=self.sequence.scenes) if self.plan.mode == "live" else None
        folder = self.output / "frames" / self.name.replace("/", "--")
        folder.mkdir(parents=True, exist_ok=True)
        frames = 0
        with (folder / "frames.jsonl").open("w", encoding="utf-8") as records:
            for picture, saliency in runner.run(video):
                record, scores = self._score(picture, saliency, scorer, gallery)
                if timeline is not None and scores:
                    timeline.add(frames / self.plan.frame_rate, scores)
                frames += 1
                records.write(json.dumps(record) + "\n")
                advance(1)
        gallery.save(folder)
        if timeline is not None:
            timeline.trim(frames / self.plan.frame_rate)
            timeline.happenings = runner.happenings
        for kind, frame, detail in video.missing.values():
            scorer.report(kind, frame, detail)
        return SequenceResult(
            name=self.name,
            totals=scorer.totals,
            frames=frames,
            seconds=runner.seconds,
            counts=runner.counts,
            problems=tuple(scorer.problems),
            timeline=timeline,
        )

    def _score(
        self, picture: Picture, saliency: SaliencyFrame, scorer: SequenceScorer, gallery: Gallery
    ) -> tuple[dict[str, Any], Mapping[str, FrameScore]]:
        """Score one frame; return what is remembered of it, and its measures by the paper's convention."""
        name, image = picture.frame.name, picture.image
        size = image.shape[0], image.shape[1]
        record: dict[str, Any] = {
            "frame": name,
            "nr": round(saliency.nr, 5),
            "keyframe": saliency.is_keyframe,
            "model_version": saliency.model_version,
            "criteria": {name: value for name, value in asdict(saliency.criteria).items() if value is not None},
        }
        if self.maps is not None:
            _save_map(quantise(saliency.final, size), self.maps / self.name / f"{name}.png")
        if saliency.is_keyframe:
            gallery.keyframe(name, saliency.nr, image, saliency.low_level)
        truth = scorer.truth(picture.frame, size)
        if truth is None:
            return record, {}
        scores = scorer.add(picture.frame, truth, _columns(saliency, size))
        best = {stage: round(float(score["toolbox"].curves[2].max()), 5) for stage, score in scores.items()}
        gallery.judge(picture.frame, best["final"], (image, truth.mask), saliency)
        record |= {"maxF": best, "ssim": round(_quality(saliency, truth), 5)}
        return record, {stage: score["paper"] for stage, score in scores.items()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """An evaluated data set.

    Attributes:
        dataset: what was evaluated on.
        plan: how.
        results: of each sequence.
        output: folder with the sequences' frames, and the report.
    """

    dataset: Dataset
    plan: RunPlan
    results: list[SequenceResult]
    output: Path

    @property
    def counts(self) -> Counts:
        """What the adaptation did, over all sequences."""
        return sum((result.counts for result in self.results), Counts())

    @property
    def fps(self) -> float:
        """Frames a second of computing time, retraining included; reading and scoring left out."""
        seconds = sum(result.seconds for result in self.results)
        return sum(result.frames for result in self.results) / seconds if seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        report = json_report(
            self.results,
            STAGES,
            {
                "dataset": self.dataset.name,
                "split": self.dataset.split,
                "mode": self.plan.mode,
                "model": self.plan.settings.method.colour,
                "flow": self.plan.settings.method.flow,
            },
        )
        return {**report, **asdict(self.counts), "fps": self.fps, **self._streams()}

    @property
    def problems(self) -> list[Problem]:
        """What was wrong with the data."""
        return [*self.dataset.problems, *(problem for result in self.results for problem in result.problems)]

    @property
    def timelines(self) -> dict[str, Timeline]:
        """The courses of sequences that last at least as long as a stretch that is compared, by name."""
        found = {result.name: result.timeline for result in self.results}
        return {name: line for name, line in found.items() if line is not None and len(line.frames) >= WINDOW}

    def _streams(self) -> dict[str, Any]:
        """Return what long sequences have beside the agreed keys."""
        streams = {name: line.as_json() for name, line in self.timelines.items()}
        return {"streams": streams} if streams else {}


def evaluate(
    dataset: Dataset,
    plan: RunPlan,
    output: Path,
    *,
    maps: Path | None = None,
    processes: int = 1,
    quiet: bool = False,
) -> Evaluation:
    """Run the method over a data set and score it; sequences that `output` has results of are not done again.

    Args:
        dataset: what to evaluate on.
        plan: how.
        output: folder of results.
        maps: folder to save final maps in, `SEQ/FRAME.png`; all sequences are done then.
        processes: sequences at a time.
        quiet: whether no progress is shown.

    Raises:
        ModelError: a network is unknown, or cannot be loaded or served.
    """
    schedule = Schedule(
        results=output / "results",
        fingerprint=fingerprint(plan, maps),
        processes=processes,
        quiet=quiet,
    )
    jobs = [EvaluationJob(sequence=sequence, plan=plan, output=output, maps=maps) for sequence in dataset.sequences]
    return Evaluation(dataset=dataset, plan=plan, results=run_jobs(jobs, schedule), output=output)


def read_records(output: Path, sequence: str) -> Iterator[dict[str, Any]]:
    """Go through what is remembered of each frame of a sequence."""
    with (output / "frames" / sequence.replace("/", "--") / "frames.jsonl").open(encoding="utf-8") as records:
        for line in records:
            yield json.loads(line)


def _columns(saliency: SaliencyFrame, size: tuple[int, int]) -> dict[str, NDArray[np.uint8]]:
    """Return the maps to score; where the final map is what it would be without a twin, one stands for both."""
    motion, colour, low_level, final = (quantise(one, size) for one in maps_of(saliency))
    alike = np.array_equal(saliency.final, saliency.unadapted)
    unadapted = final if alike else quantise(saliency.unadapted, size)
    return {"colour": colour, "motion": motion, "low_level": low_level, "final": final, UNADAPTED: unadapted}


def _quality(saliency: SaliencyFrame, truth: GroundTruth) -> float:
    """Return the structural similarity of the low-level map and the ground truth, at the map's size."""
    height, width = saliency.low_level.shape
    mask = cv2.resize(truth.mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return structural_similarity(saliency.low_level, np.asarray(mask, np.float32))


def _save_map(saliency: NDArray[np.uint8], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), saliency):
        message = f"{path}: cannot be written"
        raise OSError(message)
