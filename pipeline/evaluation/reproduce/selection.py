"""Which criteria point to good pseudo-labels: rank correlations of each with the F-measure of LS, frame by frame."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.evaluation.evaluate import Evaluation, read_records
from pipeline.evaluation.plots import save, style
from pipeline.evaluation.reproduce.fig5 import correlation
from pipeline.evaluation.reproduce.study import Finding, Setting

_ALL: Final = {"minimum_area": 0.0, "consistency": 0.0, "decisiveness": 0.0, "camera_support": 0.0}
"""Settings that look at every criterion and refuse nothing."""
_CRITERIA: Final = {
    "agreement": "agreement, 1 - NR",
    "area": "salient share",
    "consistency": "consistency along the flow",
    "decisiveness": "decisiveness",
    "camera_support": "support of the camera's fit",
}


def selection(setting: Setting) -> Finding:
    """Correlate every criterion with the quality of the pseudo-labels, on all frames and among keyframes alone."""
    plan = replace(setting.plan, mode="live")
    live = replace(setting, plan=plan)
    found = {
        model: _correlations(live.run(method={"colour": model, "selection": _ALL}, adaptation={"enabled": False}))
        for model in setting.models
    }
    _draw(found, setting)
    rows = [
        [model, _CRITERIA[name], *(f"{one[key]:+.2f}" for key in ("all", "within", "keyframes")), str(one["frames"])]
        for model, criteria in found.items()
        for name, one in criteria.items()
    ]
    return Finding(
        study="selection",
        title=f"Criteria for keyframes versus the F-measure of their pseudo-labels, {setting.dataset.name}",
        header=("model", "criterion", "Spearman, all frames", "mean within sequences", "among keyframes", "frames"),
        rows=rows,
        notes=[
            (
                "Quality is the highest F of the low-level map over all thresholds. More of a criterion should mean "
                "better labels: the higher, the better it points to them. What counts is the column of keyframes, "
                "the frames that NR alone would pick: there a criterion adds to NR."
            )
        ],
        figures={"dataset": setting.dataset.name, "ours": found, "paper": "not in the paper, which picks by NR alone"},
        plots=[setting.output / "selection.png"],
    )


def _correlations(run: Evaluation) -> dict[str, dict[str, Any]]:
    """Return the rank correlations of each criterion with the quality of LS."""
    tables = [table for result in run.results if len(table := _table(run, result.name))]
    found = {}
    for column, name in enumerate(_CRITERIA, start=2):
        within = [correlation(table[:, column], table[:, 0]) for table in tables]
        everything = np.concatenate(tables) if tables else np.zeros((0, 7))
        picked = everything[everything[:, 1] > 0]
        found[name] = {
            "all": correlation(everything[:, column], everything[:, 0]),
            "within": float(np.mean(within)) if within else 0.0,
            "keyframes": correlation(picked[:, column], picked[:, 0]),
            "frames": len(everything),
        }
    return found


def _table(run: Evaluation, sequence: str) -> NDArray[np.float64]:
    """Return a row a scored frame: quality, whether it is a keyframe, then the criteria."""
    rows: list[Sequence[float]] = []
    for record in read_records(run.output, sequence):
        if "maxF" in record:
            criteria = {"agreement": 1 - record["nr"], **record["criteria"]}
            rows.append([record["maxF"]["low_level"], record["keyframe"], *(criteria[name] for name in _CRITERIA)])
    return np.array(rows, np.float64)


def _draw(found: dict[str, dict[str, dict[str, Any]]], setting: Setting) -> None:
    figure = Figure(figsize=(8, 0.8 + 2.2 * len(found)), layout="constrained")
    all_axes = np.atleast_1d(figure.subplots(len(found), 1, sharex=True))
    for axes, (model, criteria) in zip(all_axes, found.items(), strict=True):
        places = np.arange(len(criteria))
        axes.barh(places - 0.2, [one["all"] for one in criteria.values()], 0.36, label="all frames", color="#9db8c9")
        axes.barh(
            places + 0.2, [one["keyframes"] for one in criteria.values()], 0.36, label="keyframes", color="#1b6ca8"
        )
        axes.set_yticks(places, [_CRITERIA[name] for name in criteria])
        axes.invert_yaxis()
        axes.axvline(0, color="#20242a", linewidth=0.8)
        axes.set_title(model, fontsize=9, loc="left")
        style(axes)
    all_axes[-1].set_xlabel("Spearman's rank correlation with the F-measure of LS")
    all_axes[-1].legend(frameon=False, loc="lower right")
    save(figure, setting.output / "selection.png")
