"""Fig. 9: F curves of adapted models, of the originals, and of other methods' maps."""

from dataclasses import asdict
from typing import Any

from pipeline.evaluation.conventions import CONVENTIONS, Convention, Curves, Scores
from pipeline.evaluation.jobs import Schedule
from pipeline.evaluation.plots import plot_conventions
from pipeline.evaluation.report import curves_of, method_scores
from pipeline.evaluation.reproduce.paper import COMPONENTS, closest_dataset
from pipeline.evaluation.reproduce.study import Finding, Setting
from pipeline.evaluation.results import scores_of
from pipeline.evaluation.score import COLUMN, score_maps
from pipeline.evaluation.tables import FIGURES, cells


def fig9(setting: Setting) -> Finding:
    """Draw each model's final and original curve, and those of the folders of maps."""
    curves: dict[Convention, dict[str, Curves]] = {convention: {} for convention in CONVENTIONS}
    scores: dict[Convention, dict[str, Scores | None]] = {convention: {} for convention in CONVENTIONS}
    for model in setting.models:
        run = setting.run(method={"colour": model})
        for stage, name in (("final", f"{model}, adapted"), ("colour", model)):
            for convention, found in curves_of({name: run.results}, stage).items():
                curves[convention].update(found)
                scores[convention][name] = scores_of(run.results, [stage])[convention][stage]
    if setting.maps:
        others = score_maps(setting.maps, setting.dataset, Schedule(processes=setting.processes, quiet=setting.quiet))
        for convention, found in curves_of(others, COLUMN).items():
            curves[convention].update(found)
            scores[convention].update(method_scores(others)[convention])
    rows = [
        ["here", convention, name, *cells(found)]
        for convention in CONVENTIONS
        for name, found in scores[convention].items()
    ]
    dataset = closest_dataset(setting.dataset.name)
    for model, (original, _, final) in COMPONENTS[dataset].items():
        for name, theirs in ((f"{model}, adapted", final), (model, original)):
            rows.append([f"paper, {dataset}", "paper", name, *(f"{value:.3f}" for value in theirs), "", ""])
    figures: dict[str, Any] = {
        "dataset": setting.dataset.name,
        "ours": {
            convention: {name: asdict(found) if found else None for name, found in scores[convention].items()}
            for convention in CONVENTIONS
        },
        "curves": {
            convention: {name: one.f.round(5).tolist() for name, one in curves[convention].items()}
            for convention in CONVENTIONS
        },
        "paper": {model: stages[2]._asdict() for model, stages in COMPONENTS[dataset].items()},
    }
    return Finding(
        study="fig9",
        title=f"Fig. 9: F curves, {setting.dataset.name}, {setting.plan.mode} mode",
        header=("", "convention", "method", *FIGURES),
        rows=rows,
        notes=["The paper prints the curves without figures; beside ours stand its Table III's."],
        figures=figures,
        plots=plot_conventions(curves, setting.output, f"F curves, {setting.dataset.name}", "fig9"),
    )
