"""Charts that several studies share: bars of ours and the paper's, lines over a setting."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from pipeline.evaluation.plots import COLOURS, save, style
from pipeline.evaluation.reproduce.paper import Figures

OURS = COLOURS[0]
PAPER = "#b9bec6"


def bars(groups: Sequence[tuple[str, Sequence[float], bool]], labels: Sequence[str], path: Path, title: str) -> None:
    """Draw groups of bars of maxF.

    Args:
        groups: name, a height for each label, and whether it is the paper's (then grey).
        labels: of the bars in a group.
        path: PNG to write.
        title: above.
    """
    figure = Figure(figsize=(max(6.0, 1.5 + 0.42 * len(labels) * len(groups)), 4.2), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(labels)
    ramp, greys = ("#a9cbe3", "#5c9cc9", COLOURS[0]), ("#d9dce1", "#b9bec6", "#8f96a1")
    for place, (_, heights, from_paper) in enumerate(groups):
        for index, height in enumerate(heights):
            colour = (greys if from_paper else ramp)[index % 3 if len(labels) > 1 else 2]
            left = place + (index - (len(labels) - 1) / 2) * width
            origin = "paper" if from_paper else "here"
            label = f"{labels[index]} ({origin})" if len(labels) > 1 else origin
            new = not any(group[2] == from_paper for group in groups[:place])
            axes.bar(left, height, width * 0.92, color=colour, label=label if new else None)
            axes.text(left, height + 0.005, f"{height:.3f}", ha="center", va="bottom", fontsize=7, rotation=90)
    axes.set_xticks(range(len(groups)), [name for name, _, _ in groups], rotation=20, ha="right", fontsize=9)
    axes.set(ylabel="maxF", title=title, ylim=(0, 1.05))
    style(axes)
    figure.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=len(labels) * 2)
    save(figure, path)


def lines(ours: Mapping[float, Figures], paper: Mapping[float, Figures], path: Path, title: str, setting: str) -> None:
    """Draw maxF, avgF and MAE over a setting, ours and the paper's."""
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    all_axes = figure.subplots(1, 3)
    for axes, name in zip(all_axes, Figures._fields, strict=True):
        for found, label, colour, dash in ((ours, "here", OURS, "-"), (paper, "paper", "#8f96a1", "--")):
            points = sorted(found)
            heights = [getattr(found[point], name) for point in points]
            axes.plot(points, heights, dash, marker="o", color=colour, label=label)
            for point, height in zip(points, heights, strict=True):
                axes.annotate(f"{height:.3f}", (point, height), (0, 6), textcoords="offset points", ha="center", size=7)
        axes.margins(x=0.08, y=0.12)
        axes.set(xlabel=setting, title=name)
        style(axes)
    figure.legend(*all_axes[0].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=2)
    figure.suptitle(title)
    save(figure, path)
