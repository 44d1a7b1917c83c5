"""Table III: original → low-level → final map, a model a row."""

from pipeline.evaluation.reproduce.charts import bars
from pipeline.evaluation.reproduce.paper import COMPONENTS, closest_dataset
from pipeline.evaluation.reproduce.study import Finding, Setting, as_figures, stage_scores
from pipeline.evaluation.tables import cells

_FIGURES = ("maxF", "avgF", "MAE")
_STAGES = {"colour": "original", "low_level": "low-level", "final": "final"}


def table3(setting: Setting) -> Finding:
    """Score the components of each model."""
    ours = {}
    for model in setting.models:
        run = setting.run(method={"colour": model})
        ours[model] = {stage: stage_scores(run, stage) for stage in _STAGES}
    dataset = closest_dataset(setting.dataset.name)
    rows = []
    groups = []
    for model, found in ours.items():
        rows.append(["here", model, *(cell for scores in found.values() for cell in cells(scores, _FIGURES))])
        groups.append((model, [scores.maxF if scores else 0.0 for scores in found.values()], False))
    for model, stages in COMPONENTS[dataset].items():
        rows.append([f"paper, {dataset}", model, *(f"{value:.3f}" for figures in stages for value in figures)])
        groups.append((model, [figures.maxF for figures in stages], True))
    plot = setting.output / "table3.png"
    bars(groups, tuple(_STAGES.values()), plot, f"Components: {setting.dataset.name}; grey: the paper's, {dataset}")
    return Finding(
        study="table3",
        title=f"Table III: components of each model, {setting.dataset.name}, {setting.plan.mode} mode",
        header=("", "model", *(f"{stage} {figure}" for stage in _STAGES.values() for figure in _FIGURES)),
        rows=rows,
        notes=["Paper convention."],
        figures={
            "dataset": setting.dataset.name,
            "mode": setting.plan.mode,
            "ours": {
                model: {stage: as_figures(scores) for stage, scores in found.items()} for model, found in ours.items()
            },
            "paper": {
                model: {stage: figures._asdict() for stage, figures in zip(_STAGES, stages, strict=True)}
                for model, stages in COMPONENTS[dataset].items()
            },
        },
        plots=[plot],
    )
