"""A retraining job as a folder: keyframes and settings in, a twin and a report out.

job.json               model, settings, held-out share, seed, whether it is a trial, who takes a closer look
keyframes.safetensors  images (N, h, w, 3) uint8, labels (N, h, w) float32; before/I and now/I (H, W, 3) uint8 of each
                       keyframe I that is to be looked at more closely
base.safetensors       weights that the round starts from, where they differ from the original's
twin.safetensors       the result: the weights that were retrained
labels.safetensors     the labels (h, w) float32 of a closer look, by the numbers of the keyframes
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from configs.method import RetrainingSettings
from models.checkpoint import read_state, save_state
from models.errors import ModelError
from models.loading import load_model
from models.saliency_model import SaliencyModel
from models.training.judging import inside, standing, sure_background, views
from models.training.twin import KeyframeTensors, TwinStep, TwinTrainer
from pipeline.errors import JobError
from pipeline.guard import Judgement
from pipeline.retraining.teacher import TeacherPlan, teacher_for
from pipeline.values import CloserLook, Keyframe, Map

_log = logging.getLogger("livesal.retraining")

RESULT: Final = "twin.safetensors"
_LABELS: Final = "labels.safetensors"
_JOB: Final = "job.json"
_KEYFRAMES: Final = "keyframes.safetensors"
_BASE: Final = "base.safetensors"
_LEAST_HELD_OUT: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """All that a round needs.

    Attributes:
        model: name of the colour network.
        settings: of the retraining.
        held_out: share of the keyframes that the twin is judged on instead of trained on.
        seed: of the order of the keyframes.
        keyframes: images and labels.
        base: weights to start from where they differ from the original's; empty = the original.
        trial: whether `base` is a twin of an earlier scene that is only judged against the original, not retrained.
        teacher: who takes a closer look; None = nobody.
        closer: what that has to go on, by the number of the keyframe; the other labels stay.
    """

    model: str
    settings: RetrainingSettings
    held_out: float
    seed: int
    keyframes: KeyframeTensors
    base: Mapping[str, Tensor]
    trial: bool = False
    teacher: TeacherPlan | None = None
    closer: Mapping[int, CloserLook] = field(default_factory=dict[int, CloserLook])


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """What a round leaves.

    Attributes:
        report: what it came to.
        state: the weights that were retrained.
        labels: of the keyframes that were looked at more closely, by their numbers.
    """

    report: "Report"
    state: Mapping[str, Tensor]
    labels: Mapping[int, Map]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Judgement):
    """What a round came to, and how its twin was judged on the held-out keyframes.

    Attributes:
        keyframes: that were trained on.
        held_out: that were judged on; 0 means that the training keyframes served for both.
        iterations: done.
        seconds: that it took.
    """

    keyframes: int
    held_out: int
    iterations: int
    seconds: float


def stack(keyframes: Sequence[Keyframe]) -> KeyframeTensors:
    """Return keyframes as tensors.

    Raises:
        JobError: there are none, or their sizes differ.
    """
    if len({keyframe.image.shape for keyframe in keyframes}) != 1:
        message = f"a job needs keyframes of one size, got {len(keyframes)} of several or none"
        raise JobError(message)
    images = torch.from_numpy(np.stack([keyframe.image for keyframe in keyframes]))
    return KeyframeTensors(images, torch.from_numpy(np.stack([keyframe.label for keyframe in keyframes])))


def write_job(job: Job, folder: Path) -> None:
    """Write `job` into `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    closer = {
        f"{name}/{index}": torch.from_numpy(picture)
        for index, look in job.closer.items()
        for name, picture in (("before", look.before), ("now", look.now))
    }
    save_file({"images": job.keyframes.images, "labels": job.keyframes.labels, **closer}, folder / _KEYFRAMES)
    if job.base:
        save_state(job.base, folder / _BASE)
    content = {
        "model": job.model,
        "settings": job.settings.model_dump(),
        "held_out": job.held_out,
        "seed": job.seed,
        "trial": job.trial,
        "teacher": asdict(job.teacher) if job.teacher is not None else None,
    }
    (folder / _JOB).write_text(json.dumps(content, indent=2), encoding="utf-8")


def read_job(folder: Path) -> Job:
    """Read the job in `folder`.

    Raises:
        JobError: a file is missing or damaged.
    """
    try:
        content: dict[str, Any] = json.loads((folder / _JOB).read_text(encoding="utf-8"))
        tensors = load_file(folder / _KEYFRAMES)
        return Job(
            model=content["model"],
            settings=RetrainingSettings.model_validate(content["settings"]),
            held_out=float(content["held_out"]),
            seed=int(content["seed"]),
            keyframes=KeyframeTensors(tensors["images"], tensors["labels"]),
            base=read_state(folder / _BASE) if (folder / _BASE).exists() else {},
            trial=bool(content.get("trial", False)),
            teacher=TeacherPlan(**content["teacher"]) if content.get("teacher") else None,
            closer={index: _look(tensors, index) for index in _looked_at(tensors)},
        )
    except FileNotFoundError as error:
        message = f"{folder}: is no retraining job: {Path(error.filename).name} is missing"
        raise JobError(message) from None
    except (json.JSONDecodeError, KeyError, TypeError, ValidationError, SafetensorError) as error:
        message = f"{folder}: is a damaged retraining job: {str(error).splitlines()[0]}"
        raise JobError(message) from None


def split(count: int, held_out: float) -> tuple[list[int], list[int]]:
    """Return the indices of `count` keyframes to train on and to judge on, the latter spread evenly over time.

    A share above 0 holds out three at least, for two or fewer let too much through, but never more than half of all
    unless the share itself asks for more.
    """
    wanted = round(count * held_out)
    judged = min(max(wanted, min(_LEAST_HELD_OUT, count // 2)) if held_out > 0 else wanted, count - 1)
    if judged < 1:
        return list(range(count)), []
    chosen = {round((index + 0.5) * count / judged - 0.5) for index in range(judged)}
    return [index for index in range(count) if index not in chosen], sorted(chosen)


def run_job(
    job: Job,
    on_step: Callable[[TwinStep], None] | None = None,
    model: SaliencyModel | None = None,
    on_label: Callable[[], None] | None = None,
) -> Done:
    """Do a job: look closely, retrain, judge.

    Args:
        job: what to do.
        on_step: hears of every iteration.
        model: the original network if it is loaded already; it is changed in place.
        on_label: hears of every keyframe that is about to be looked at.

    Raises:
        ModelError: a network or the base weights cannot be loaded.
    """
    started = time.monotonic()
    labels = _look_closely(job, on_label or _nobody)
    keyframes = _relabelled(job.keyframes, labels)
    model = (model or load_model(job.model)).eval()
    training, judging = ([], range(len(job.keyframes))) if job.trial else split(len(keyframes), job.held_out)
    learned = _take(keyframes, training)
    unseen = _take(keyframes, judging) if judging else learned
    original = views(model, unseen)
    background = sure_background(original)
    if job.trial:
        before = standing(original, unseen.labels, background)
        model, iterations, state = with_base(model, job.base), 0, job.base
    else:
        model = with_base(model, job.base)
        before = standing(views(model, unseen) if job.base else original, unseen.labels, background)
        if job.settings.start == "original" and job.base:
            model = load_model(job.model)
        iterations, state = _retrain(model, learned, job, on_step)
    after = standing(views(model.eval(), unseen), unseen.labels, background)
    report = Report(
        keyframes=len(training),
        held_out=len(judging),
        iterations=iterations,
        seconds=time.monotonic() - started,
        error_before=before.error,
        error_after=after.error,
        flips_before=before.flips,
        flips_after=after.flips,
        invented_before=before.invented,
        invented_after=after.invented,
        contradicted=inside(unseen.labels, background),
    )
    return Done(report, state, labels)


def _look_closely(job: Job, on_label: Callable[[], None]) -> dict[int, Map]:
    """Return better labels for the keyframes that there is more of, as far as the networks take larger pictures."""
    labels: dict[int, Map] = {}
    if job.teacher is None:
        return labels
    height, width = job.keyframes.labels.shape[1:]
    try:
        for index, look in job.closer.items():
            on_label()
            teacher = teacher_for(job.teacher, (look.now.shape[0], look.now.shape[1]))
            labels[index] = teacher(look, (height, width))
    except (ModelError, RuntimeError, ValueError) as error:  # a network of the user's own may take one size only
        _log.warning("no closer look at keyframes (`adaptation.teacher.scale: 1` asks for none): %s", error)
    return labels


def _nobody() -> None:
    """Hear of nothing."""


def _relabelled(keyframes: KeyframeTensors, labels: Mapping[int, Map]) -> KeyframeTensors:
    better = keyframes.labels.clone()
    for index, label in labels.items():
        better[index] = torch.from_numpy(label)
    return KeyframeTensors(keyframes.images, better)


def _retrain(
    model: SaliencyModel, learned: KeyframeTensors, job: Job, on_step: Callable[[TwinStep], None] | None
) -> tuple[int, Mapping[str, Tensor]]:
    """Retrain `model` in place; return the iterations done and the retrained weights."""
    trainer = TwinTrainer(model, learned, job.settings)
    iterations = 0
    for step in trainer.run(job.seed):
        iterations = step.iteration
        if on_step is not None:
            on_step(step)
    return iterations, trainer.state()


def with_base(model: SaliencyModel, base: Mapping[str, Tensor]) -> SaliencyModel:
    """Return `model` with the weights of `base` in place of its own, where there are any."""
    if base:
        model.network.load_state_dict({**model.network.state_dict(), **base})
    return model


def write_result(folder: Path, done: Done) -> None:
    """Write the labels, then the twin's weights, with the report as their metadata, each atomically."""
    if done.labels:
        save_state({str(index): torch.from_numpy(label) for index, label in done.labels.items()}, folder / _LABELS)
    save_state(done.state, folder / RESULT, {key: str(value) for key, value in asdict(done.report).items()})


def read_labels(folder: Path) -> dict[int, Map]:
    """Return the labels that a closer look gave, by the numbers of the job's keyframes; none where nobody looked.

    Raises:
        CheckpointError: the file is damaged.
    """
    path = folder / _LABELS
    if not path.exists():
        return {}
    return {int(index): label.numpy() for index, label in read_state(path).items()}


def _looked_at(tensors: Mapping[str, Tensor]) -> list[int]:
    return sorted(int(name.removeprefix("now/")) for name in tensors if name.startswith("now/"))


def _look(tensors: Mapping[str, Tensor], index: int) -> CloserLook:
    return CloserLook(tensors[f"before/{index}"].numpy(), tensors[f"now/{index}"].numpy())


def _take(keyframes: KeyframeTensors, indices: Sequence[int]) -> KeyframeTensors:
    chosen = torch.tensor(list(indices), dtype=torch.long)
    return KeyframeTensors(keyframes.images[chosen], keyframes.labels[chosen])
