"""Fig. 5: does a low NR point to good low-level maps? Frames ordered by quality, in 40 intervals."""

from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import rankdata

from pipeline.evaluation.evaluate import Evaluation, read_records
from pipeline.evaluation.plots import save, style
from pipeline.evaluation.reproduce.study import Finding, Setting

_INTERVALS: Final = 40


def fig5(setting: Setting) -> Finding:
    """Order each sequence's frames by the SSIM of their low-level map, and average over sequences."""
    found = {model: _intervals(setting.run(method={"colour": model})) for model in setting.models}
    plot = setting.output / "fig5.png"
    _draw(found, setting)
    rows = [
        [
            model,
            f"{one['spearman']:+.2f}",
            f"{one['spearman_within']:+.2f}",
            f"{np.mean(one['probability'][: _INTERVALS // 4]):.2f}",
            f"{np.mean(one['probability'][-_INTERVALS // 4 :]):.2f}",
            str(one["frames"]),
        ]
        for model, one in found.items()
    ]
    return Finding(
        study="fig5",
        title=f"Fig. 5: agreement of colour and motion versus quality, {setting.dataset.name}",
        header=(
            "model",
            "Spearman (NR, SSIM)",
            "mean within sequences",
            "picked, best quarter",
            "picked, worst quarter",
            "frames",
        ),
        rows=rows,
        notes=[
            (
                "Quality is the SSIM of the low-level map and the ground truth; each sequence's best frames are on "
                "the left. The paper shows the plot without figures: its warm intervals, likely picked as "
                "keyframes, are on the left too. The correlation should be negative: low NR, high quality."
            )
        ],
        figures={
            "dataset": setting.dataset.name,
            "ours": {
                model: {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in one.items()}
                for model, one in found.items()
            },
            "paper": "a plot without figures",
        },
        plots=[plot],
    )


def _intervals(run: Evaluation) -> dict[str, Any]:
    """Return mean quality, agreement (1 - NR) and share of keyframes in each interval, averaged over sequences."""
    curves, ratios, qualities, within = [], [], [], []
    for result in run.results:
        records = [record for record in read_records(run.output, result.name) if "ssim" in record]
        if not records:
            continue
        records.sort(key=lambda record: -record["ssim"])
        table = np.array([[record["ssim"], 1 - record["nr"], record["keyframe"]] for record in records], np.float64)
        curves.append(_resample(table))
        within.append(correlation(1 - table[:, 1], table[:, 0]))
        ratios += [record["nr"] for record in records]
        qualities += [record["ssim"] for record in records]
    mean = np.mean(curves, axis=0) if curves else np.zeros((_INTERVALS, 3))
    return {
        "quality": mean[:, 0],
        "agreement": mean[:, 1],
        "probability": mean[:, 2],
        "spearman": correlation(np.array(ratios), np.array(qualities)),
        "spearman_within": float(np.mean(within)) if within else 0.0,
        "frames": len(ratios),
    }


def correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return Spearman's rank correlation; 0 where either does not vary."""
    if len(set(first.tolist())) < 2 or len(set(second.tolist())) < 2:
        return 0.0
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])


def _resample(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means of `_INTERVALS` equal stretches of a sequence's (n, 3) table."""
    places = np.minimum(np.arange(len(table)) * _INTERVALS // len(table), _INTERVALS - 1)
    if len(table) < _INTERVALS:
        return np.asarray(table[np.arange(_INTERVALS) * len(table) // _INTERVALS])
    return np.stack([table[places == interval].mean(0) for interval in range(_INTERVALS)])


def _draw(found: dict[str, dict[str, Any]], setting: Setting) -> None:
    figure = Figure(figsize=(9, 0.8 + 2.6 * len(found)), layout="constrained")
    warm = colormaps["coolwarm"]
    all_axes = np.atleast_1d(figure.subplots(len(found), 1, sharex=True))
    for axes, (model, one) in zip(all_axes, found.items(), strict=True):
        axes.bar(range(_INTERVALS), one["agreement"], 0.9, color=warm(one["probability"]), label="agreement, 1 - NR")
        axes.plot(one["quality"], color="#20242a", linewidth=1.8, label="quality, SSIM")
        axes.set(ylabel=model, ylim=(0, 1.02))
        axes.set_title(f"Spearman (NR, SSIM) {one['spearman']:+.2f}", fontsize=9, loc="right")
        style(axes)
    figure.legend(*all_axes[0].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=2)
    all_axes[-1].set_xlabel("frames of each sequence, best low-level map first, in 40 intervals")
    figure.colorbar(ScalarMappable(cmap=warm), ax=list(all_axes), label="probability of being a keyframe")
    figure.suptitle(f"Agreement of colour and motion versus quality, {setting.dataset.name}")
    save(figure, setting.output / "fig5.png")
