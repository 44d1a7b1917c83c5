"""Tables IV and V: one setting of the adaptation varied."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.evaluation.reproduce.charts import lines
from pipeline.evaluation.reproduce.paper import ITERATIONS, THRESHOLDS, Figures, closest_dataset
from pipeline.evaluation.reproduce.study import Finding, Setting, stage_scores
from pipeline.evaluation.tables import cells

_FIGURES: Final = ("maxF", "avgF", "MAE")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ablation:
    """A setting, the values it takes, and the paper's figures for them."""

    study: str
    title: str
    setting: str
    section: str
    keys: tuple[str, ...]
    paper: Mapping[float, Figures]
    source: str

    def changes(self, value: float) -> dict[str, Any]:
        """Return the change of settings that `value` stands for."""
        change: Any = value
        for key in reversed(self.keys):
            change = {key: change}
        return {self.section: change}


def table4(setting: Setting) -> Finding:
    """Score the final map by iterations a keyframe."""
    dataset = closest_dataset(setting.dataset.name)
    source = dataset if dataset in ITERATIONS else "DAVIS"
    return _ablate(
        setting,
        _Ablation(
            study="table4",
            title="Table IV: iterations of retraining",
            setting="iterations a keyframe, λ",
            section="adaptation",
            keys=("retraining", "iterations_per_keyframe"),
            paper=ITERATIONS[source],
            source=f"RADF on {source}",
        ),
    )


def table5(setting: Setting) -> Finding:
    """Score the final map by the threshold on the non-overlapping ratio."""
    return _ablate(
        setting,
        _Ablation(
            study="table5",
            title="Table V: threshold on the non-overlapping ratio",
            setting="a keyframe has NR below",
            section="method",
            keys=("keyframe_threshold",),
            paper=THRESHOLDS,
            source="RADF on MCL",
        ),
    )


def _ablate(setting: Setting, ablation: _Ablation) -> Finding:
    model = setting.models[0]
    rows, ours, keyframes = [], {}, {}
    for value in ablation.paper:
        changes = ablation.changes(value)
        changes["method"] = {**changes.get("method", {}), "colour": model}
        run = setting.run(**changes)
        scores = stage_scores(run, "final")
        keyframes[value] = run.counts.keyframes
        rows.append(["here", f"{value:g}", *cells(scores, _FIGURES), str(run.counts.keyframes)])
        if scores is not None:
            ours[value] = Figures(scores.maxF, scores.avgF, scores.MAE)
    for value, figures in ablation.paper.items():
        rows.append(["paper", f"{value:g}", *(f"{one:.3f}" for one in figures), ""])
    plot = setting.output / f"{ablation.study}.png"
    lines(ours, ablation.paper, plot, f"{ablation.title}: {model} on {setting.dataset.name}", ablation.setting)
    return Finding(
        study=ablation.study,
        title=f"{ablation.title}, {model}, {setting.dataset.name}, {setting.plan.mode} mode",
        header=("", ablation.setting, *_FIGURES, "keyframes"),
        rows=rows,
        notes=[f"Final map, paper convention. The paper's figures are for {ablation.source}."],
        figures={
            "dataset": setting.dataset.name,
            "model": model,
            "mode": setting.plan.mode,
            "ours": {f"{value:g}": found._asdict() for value, found in ours.items()},
            "keyframes": {f"{value:g}": count for value, count in keyframes.items()},
            "paper": {f"{value:g}": found._asdict() for value, found in ablation.paper.items()},
        },
        plots=[plot],
    )
