"""The plot of a stream's course: the score with and without twins, what that gained, what the adaptation did when."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from pipeline.evaluation.plots import COLOURS, save, style
from pipeline.evaluation.timeline import Course, Happening, Timeline, in_words

TOLERATED: Final = 0.02
"""Loss of maxF in a stretch that a reader's eye is led to."""

_MARKS: Final = {
    "retraining-started": (">", "#8f96a1", "retraining starts"),
    "swapped": ("^", "#2e8b57", "twin swapped in"),
    "resumed": ("P", "#2e8b57", "twin resumed"),
    "rejected": ("x", "#edae49", "twin rejected"),
    "failed": ("X", "#d1495b", "round failed"),
    "reset": ("v", "#20242a", "reset to the original"),
}
"""Marker, colour and name of each kind of event."""

_LABELLED: Final = 14
"""Most scenes whose names fit above the plot."""


def plot_course(timeline: Timeline, path: Path, title: str) -> None:
    """Draw maxF of each stretch in its middle, the gain below it, and the adaptation's events below that."""
    course = timeline.windows()
    figure = Figure(figsize=(12, 6.2), layout="constrained")
    score, gain, events = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2, 1])
    middles = course.starts + course.seconds / 2
    score.plot(middles, course.final, color=COLOURS[0], linewidth=1.8, label="final, as served")
    score.plot(middles, course.unadapted, "--", color=COLOURS[1], linewidth=1.5, label="final without a twin")
    score.set(ylabel="maxF")
    score.legend(frameon=False, fontsize=9, loc="lower left")
    _draw_gain(gain, middles, course)
    _draw_happenings(events, timeline.happenings)
    for axes in (score, gain, events):
        style(axes)
        for scene in timeline.scenes[1:]:
            axes.axvline(scene.start, color="#b9bec6", linewidth=0.9, linestyle=":")
    if len(timeline.scenes) <= _LABELLED:
        for scene in timeline.scenes:
            name = scene.sequence if scene.visit == 1 else f"{scene.sequence}, again"
            middle = scene.start + scene.seconds / 2
            score.annotate(
                name, (middle, 1.01), xycoords=("data", "axes fraction"), ha="center", fontsize=7, annotation_clip=False
            )
    events.set(xlabel=f"seconds; each point is a stretch of {course.seconds} s, drawn in its middle")
    events.set_xlim(0, len(timeline.frames))
    figure.suptitle(f"{title}\n{in_words(course)}")
    save(figure, path)


def _draw_gain(axes: Any, middles: Any, course: Course) -> None:
    gain = course.gain
    for part, colour in ((gain >= 0, "#2e8b57"), (gain < 0, "#d1495b")):
        axes.fill_between(middles, gain, 0, where=part, color=colour, alpha=0.55, linewidth=0, interpolate=True)
    axes.axhline(0, color="#555555", linewidth=0.8)
    axes.axhline(-TOLERATED, color="#d1495b", linewidth=0.9, linestyle="--")
    reach = max(float(np.nanmax(np.abs(gain), initial=0.0)), TOLERATED) * 1.25 if np.isfinite(gain).any() else 0.05
    axes.set(ylabel="gain", ylim=(-reach, reach))


def _draw_happenings(axes: Any, happenings: Sequence[Happening]) -> None:
    seen = {one.kind for one in happenings} - {"retraining-finished"}
    kinds = [*(kind for kind in _MARKS if kind in seen), *sorted(seen - set(_MARKS))]
    marks = [_MARKS.get(kind, ("o", "#5c415d", kind.replace("-", " "))) for kind in kinds]
    for row, (kind, (marker, colour, _)) in enumerate(zip(kinds, marks, strict=True)):
        times = [one.time for one in happenings if one.kind == kind]
        axes.plot(times, [row] * len(times), marker, color=colour, markersize=7, linestyle="none")
    axes.set_yticks(range(len(kinds)), [name for _, _, name in marks], fontsize=8)
    axes.set_ylim(max(len(kinds), 1) - 0.5, -0.5)
