"""Fig. 7: the keyframes that a sequence gives."""

from typing import Any, Final

import cv2
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.evaluation.evaluate import Evaluation, read_records
from pipeline.evaluation.plots import COLOURS, save, style
from pipeline.evaluation.reproduce.study import Finding, Setting

_THEIRS: Final = "dog-agility"
_COLUMNS: Final = 4


def fig7(setting: Setting) -> Finding:
    """Show NR over time, the frames below the threshold, and what they look like."""
    run = setting.run(method={"colour": setting.models[0]})
    names = [result.name for result in run.results]
    sequence = _THEIRS if _THEIRS in names else names[0]
    records = list(read_records(run.output, sequence))
    plot = setting.output / "fig7.png"
    _draw(run, sequence, records, setting)
    picked = [record for record in records if record["keyframe"]]
    return Finding(
        study="fig7",
        title=f"Fig. 7: keyframes of {sequence}, {setting.models[0]}",
        header=("frame", "NR", "maxF of the low-level map"),
        rows=[
            [record["frame"], f"{record['nr']:.3f}", f"{record['maxF']['low_level']:.3f}" if "maxF" in record else "-"]
            for record in picked
        ],
        notes=[f"{len(picked)} of {len(records)} frames. The paper shows this for {_THEIRS}, without figures."],
        figures={"sequence": sequence, "ours": records, "paper": "pictures without figures"},
        plots=[plot],
    )


def _draw(run: Evaluation, sequence: str, records: list[dict[str, Any]], setting: Setting) -> None:
    threshold = setting.plan.settings.method.keyframe_threshold
    strips = sorted((run.output / "frames" / sequence.replace("/", "--")).glob("keyframe_*.jpg"))
    rows = -(-len(strips) // _COLUMNS)
    figure = Figure(figsize=(12, 2.8 + 1.3 * rows), layout="constrained")
    grid = figure.add_gridspec(rows + 1, _COLUMNS, height_ratios=[2.2] + [1.0] * rows)
    axes = figure.add_subplot(grid[0, :])
    ratios = np.array([record["nr"] for record in records])
    chosen = np.array([record["keyframe"] for record in records], bool)
    axes.plot(ratios, color="#8f96a1", linewidth=1.2)
    axes.plot(np.flatnonzero(chosen), ratios[chosen], "o", color=COLOURS[1], markersize=4, label="keyframe")
    axes.axhline(threshold, color=COLOURS[0], linestyle="--", linewidth=1, label=f"threshold {threshold:g}")
    axes.set(xlabel="frame", ylabel="NR", ylim=(0, 1.02), title=f"{sequence}: {chosen.sum()} of {len(records)} frames")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    style(axes)
    axes.legend(frameon=False, fontsize=8, loc="lower left")
    for index, path in enumerate(strips):
        tile = figure.add_subplot(grid[1 + index // _COLUMNS, index % _COLUMNS])
        image = cv2.imread(str(path))
        if image is not None:
            tile.imshow(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        frame, _, ratio = path.stem.split("_", 2)[2].rpartition("_")
        tile.set_title(f"{frame}, NR {ratio}", fontsize=8)
        tile.axis("off")
    save(figure, setting.output / "fig7.png")
