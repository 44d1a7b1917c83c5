"""A round to look at: its loss, and what the network saw before and after."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from matplotlib.figure import Figure

from models.saliency_model import SaliencyModel
from models.training.twin import rgb
from pipeline.retraining.job import Job
from pipeline.retraining.run_job import split
from pipeline.values import Map

_ROWS: Final = 6
"""Most keyframes that are drawn."""


def shown(job: Job) -> list[int]:
    """Return which keyframes are worth a look: those held out, then others spread over time."""
    training, judging = split(len(job.keyframes), job.held_out)
    spread = [training[index] for index in np.linspace(0, len(training) - 1, _ROWS).round().astype(int)]
    return sorted(dict.fromkeys([*judging[: _ROWS // 2], *spread]))[:_ROWS]


def maps_of(model: SaliencyModel, job: Job, chosen: Sequence[int]) -> list[Map]:
    """Return the model's maps of the chosen keyframes, each (h, w) float32 in [0, 1]."""
    with torch.inference_mode():
        return [model(rgb(job.keyframes.images[index : index + 1]))[0, 0].numpy() for index in chosen]


def plot_loss(losses: Sequence[float], path: Path) -> None:
    """Draw the loss (Eq. (8)) of every iteration, and its mean over the last ten."""
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    axes = figure.subplots()
    smooth = [float(np.mean(losses[max(0, index - 9) : index + 1])) for index in range(len(losses))]
    axes.plot(range(1, len(losses) + 1), losses, color="#c8d6e0", linewidth=1, label="iteration")
    axes.plot(range(1, len(losses) + 1), smooth, color="#1b6ca8", linewidth=1.8, label="mean of ten")
    axes.set(xlabel="iteration", ylabel="Eq. (8)", ylim=(0, None), title="Loss of the round")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def plot_maps(job: Job, chosen: Sequence[int], before: Sequence[Map], after: Sequence[Map], path: Path) -> None:
    """Draw a row a keyframe: picture, pseudo-label LS, the network before and after the round."""
    judged = set(split(len(job.keyframes), job.held_out)[1])
    figure = Figure(figsize=(11, 1.75 * len(chosen) + 0.4), layout="constrained")
    grid = figure.subplots(len(chosen), 4, squeeze=False)
    for row, index, first, second in zip(grid, chosen, before, after, strict=True):
        pictures = (job.keyframes.images[index].numpy(), job.keyframes.labels[index].numpy(), first, second)
        for axes, picture in zip(row, pictures, strict=True):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=255 if picture.ndim == 3 else 1)
            axes.set_axis_off()
        row[0].set_title(f"keyframe {index}{' (held out)' if index in judged else ''}", fontsize=9)
    for axes, title in zip(grid[0][1:], ("pseudo-label LS", "before", "after"), strict=True):
        axes.set_title(title, fontsize=9)
    figure.savefig(path, dpi=90)
