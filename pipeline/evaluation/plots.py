"""The plots of evaluations: curves over thresholds, gains per sequence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from pipeline.evaluation.captions import NAMES
from pipeline.evaluation.conventions import CONVENTIONS, Convention, Curves

COLOURS: Final = ("#1b6ca8", "#d1495b", "#66a182", "#edae49", "#5c415d", "#00798c", "#8d6b94", "#30323d")
"""Of lines, told apart by their dashes as well."""

_INSIDE: Final = 8
"""Most lines whose names fit into the plot."""

DASHES: Final = ("-", "--", "-.", ":")


def style(axes: Any) -> None:
    """Give axes the look that all plots share."""
    axes.grid(visible=True, color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def plot_curves(curves: Mapping[str, Curves], path: Path, title: str) -> None:
    """Draw precision over recall, and F over the threshold, a line a column, as in Fig. 9."""
    figure = Figure(figsize=(11 if len(curves) <= _INSIDE else 13, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    styles = zip(cycle(COLOURS), cycle(dash for dash in DASHES for _ in COLOURS), strict=False)
    for (name, one), (colour, dash) in zip(curves.items(), styles, strict=False):
        label = f"{NAMES.get(name, name)} ({one.f.max():.3f})"
        left.plot(one.recall[:-1], one.precision[:-1], dash, color=colour, linewidth=1.8, label=label)
        right.plot(np.arange(256), one.f, dash, color=colour, linewidth=1.8, label=label)
    left.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.01), title="Precision and recall")
    right.set(xlabel="threshold", ylabel="F-measure (β² = 0.3)", xlim=(0, 255), ylim=(0, 1.01), title="F-measure")
    style(left)
    style(right)
    if len(curves) > _INSIDE:
        handles = right.get_legend_handles_labels()
        figure.legend(*handles, frameon=False, fontsize=8, title="maxF in brackets", loc="outside right upper")
    else:
        right.legend(frameon=False, fontsize=9, title="maxF in brackets", title_fontsize=9)
    figure.suptitle(title)
    save(figure, path)


def plot_conventions(
    curves: Mapping[Convention, Mapping[str, Curves]], folder: Path, title: str, stem: str = "curves"
) -> list[Path]:
    """Draw `plot_curves` for both conventions, as `STEM-CONVENTION.png`; return the files."""
    paths = []
    for convention in CONVENTIONS:
        path = folder / f"{stem}-{convention}.png"
        plot_curves(curves[convention], path, f"{title} ({convention} convention)")
        paths.append(path)
    return paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What the final map of a sequence gains, in maxF of the paper's convention.

    Attributes:
        sequence: its name.
        adapting: on what it would have been without a twin.
        colour: on the original colour map.
        low_level: on the low-level map.
    """

    sequence: str
    adapting: float
    colour: float
    low_level: float


def plot_gains(gains: Sequence[Gain], path: Path, title: str) -> None:
    """Draw what each sequence's final map gains, ordered by its gain on the original colour map."""
    ordered = sorted(gains, key=lambda gain: gain.colour)
    figure = Figure(figsize=(9, 1.9 + 0.38 * len(ordered)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(ordered))
    shown = (
        ("colour", 0.28, COLOURS[0], "on the original colour map"),
        ("low_level", 0.0, COLOURS[3], "on the low-level map"),
        ("adapting", -0.28, COLOURS[2], "by adapting (on the final map without a twin)"),
    )
    for name, offset, colour, label in shown:
        axes.barh(places + offset, [getattr(gain, name) for gain in ordered], 0.26, color=colour, label=label)
    axes.set_yticks(places, [gain.sequence for gain in ordered], fontsize=8)
    axes.axvline(0, color="#555555", linewidth=0.8)
    left, right = axes.get_xlim()
    axes.set(xlim=(min(left, -0.02), max(right, 0.02)))
    axes.set(xlabel="gain of the final map in maxF (paper convention)", title=title)
    style(axes)
    figure.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=3)
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
