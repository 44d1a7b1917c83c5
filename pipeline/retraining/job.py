"""A retraining job as a folder: keyframes and settings in, a twin and a report out.

job.json               model, settings, held-out share, seed
keyframes.safetensors  images (N, h, w, 3) uint8, labels (N, h, w) float32
base.safetensors       weights that the round starts from, where they differ from the original's
twin.safetensors       the result: the weights that were retrained
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
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
from models.loading import load_model
from models.saliency_model import SaliencyModel
from models.training.twin import KeyframeTensors, TwinStep, TwinTrainer, mean_error
from pipeline.errors import JobError
from pipeline.values import Keyframe

RESULT: Final = "twin.safetensors"
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
    """

    model: str
    settings: RetrainingSettings
    held_out: float
    seed: int
    keyframes: KeyframeTensors
    base: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Report:
    """What a round came to; errors are Eq. (8) per pixel, on the held-out keyframes.

    Attributes:
        keyframes: that were trained on.
        held_out: that were judged on; 0 means that the training keyframes served for both.
        iterations: done.
        seconds: that it took.
        error_before: of the weights in service.
        error_after: of the twin.
    """

    keyframes: int
    held_out: int
    iterations: int
    seconds: float
    error_before: float
    error_after: float


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
    save_file({"images": job.keyframes.images, "labels": job.keyframes.labels}, folder / _KEYFRAMES)
    if job.base:
        save_state(job.base, folder / _BASE)
    content = {
        "model": job.model,
        "settings": job.settings.model_dump(),
        "held_out": job.held_out,
        "seed": job.seed,
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
        )
    except FileNotFoundError as error:
        message = f"{folder}: is no retraining job: {Path(error.filename).name} is missing"
        raise JobError(message) from None
    except (json.JSONDecodeError, KeyError, TypeError, ValidationError, SafetensorError) as error:
        message = f"{folder}: is a damaged retraining job: {str(error).splitlines()[0]}"
        raise JobError(message) from None


def split(count: int, held_out: float) -> tuple[list[int], list[int]]:
    """Return the indices of `count` keyframes to train on and to judge on, the latter spread evenly over time."""
    judged = min(round(count * held_out), count - 1)
    if judged < 1:
        return list(range(count)), []
    chosen = {round((index + 0.5) * count / judged - 0.5) for index in range(judged)}
    return [index for index in range(count) if index not in chosen], sorted(chosen)


def run_job(
    job: Job, on_step: Callable[[TwinStep], None] | None = None, model: SaliencyModel | None = None
) -> tuple[Report, Mapping[str, Tensor]]:
    """Do a job: retrain, judge, and return the report and the retrained weights.

    Args:
        job: what to do.
        on_step: hears of every iteration.
        model: the original network if it is loaded already; it is changed in place.

    Raises:
        ModelError: the network or the base weights cannot be loaded.
    """
    started = time.monotonic()
    model = with_base(model or load_model(job.model), job.base)
    training, judging = split(len(job.keyframes), job.held_out)
    learned = _take(job.keyframes, training)
    unseen = _take(job.keyframes, judging) if judging else learned
    before = mean_error(model, unseen)
    if job.settings.start == "original" and job.base:
        model = load_model(job.model)
    trainer = TwinTrainer(model, learned, job.settings)
    iterations = 0
    for step in trainer.run(job.seed):
        iterations = step.iteration
        if on_step is not None:
            on_step(step)
    after = mean_error(model.eval(), unseen)
    seconds = time.monotonic() - started
    return Report(len(training), len(judging), iterations, seconds, before, after), trainer.state()


def with_base(model: SaliencyModel, base: Mapping[str, Tensor]) -> SaliencyModel:
    """Return `model` with the weights of `base` in place of its own, where there are any."""
    if base:
        model.network.load_state_dict({**model.network.state_dict(), **base})
    return model


def write_result(folder: Path, state: Mapping[str, Tensor], report: Report) -> None:
    """Write the twin's weights, with the report as their metadata, atomically."""
    save_state(state, folder / RESULT, {key: str(value) for key, value in asdict(report).items()})


def _take(keyframes: KeyframeTensors, indices: Sequence[int]) -> KeyframeTensors:
    chosen = torch.tensor(list(indices), dtype=torch.long)
    return KeyframeTensors(keyframes.images[chosen], keyframes.labels[chosen])
