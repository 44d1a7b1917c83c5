"""Doing a retraining job: look closely, retrain, judge."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from models.errors import ModelError
from models.loading import load_model
from models.saliency_model import SaliencyModel
from models.training.judging import inside, standing, sure_background, views
from models.training.twin import KeyframeTensors, TwinStep, TwinTrainer
from pipeline.retraining.job import Done, Job, Report
from pipeline.retraining.teacher import teacher_for
from pipeline.values import Map

_LEAST_HELD_OUT: Final = 3

_log = logging.getLogger("livesal.retraining")


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
    on_label: Callable[[], None] = lambda: None,
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
    labels = _look_closely(job, on_label)
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


def _take(keyframes: KeyframeTensors, indices: Sequence[int]) -> KeyframeTensors:
    chosen = torch.tensor(list(indices), dtype=torch.long)
    return KeyframeTensors(keyframes.images[chosen], keyframes.labels[chosen])
