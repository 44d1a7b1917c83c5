"""A retraining job as a folder: keyframes and settings in, a twin and a report out.

job.json               model, settings, held-out share, seed, whether it is a trial, who takes a closer look
keyframes.safetensors  images (N, h, w, 3) uint8, labels (N, h, w) float32; before/I and now/I (H, W, 3) uint8 of each
                       keyframe I that is to be looked at more closely
base.safetensors       weights that the round starts from, where they differ from the original's
twin.safetensors       the result: the weights that were retrained
labels.safetensors     the labels (h, w) float32 of a closer look, by the numbers of the keyframes
"""

import json
from collections.abc import Mapping, Sequence
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
from models.training.twin import KeyframeTensors
from pipeline.errors import JobError
from pipeline.guard import Judgement
from pipeline.retraining.teacher import TeacherPlan
from pipeline.values import CloserLook, Keyframe, Map

RESULT: Final = "twin.safetensors"
_LABELS: Final = "labels.safetensors"
_JOB: Final = "job.json"
_KEYFRAMES: Final = "keyframes.safetensors"
_BASE: Final = "base.safetensors"


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


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """What a round leaves.

    Attributes:
        report: what it came to.
        state: the weights that were retrained.
        labels: of the keyframes that were looked at more closely, by their numbers.
    """

    report: Report
    state: Mapping[str, Tensor]
    labels: Mapping[int, Map]


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
