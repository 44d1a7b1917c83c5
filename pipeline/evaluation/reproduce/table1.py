"""Table I: motion saliency by source of the flow, and the conventional contrast of Eq. (4)."""

from pipeline.evaluation.evaluate import Evaluation
from pipeline.evaluation.reproduce.charts import bars
from pipeline.evaluation.reproduce.paper import FLOWS
from pipeline.evaluation.reproduce.study import Finding, Setting, as_figures, stage_scores
from pipeline.evaluation.tables import cells
from pipeline.networks import CONTRAST

_FIGURES = ("maxF", "avgF", "MAE")


def table1(setting: Setting) -> Finding:
    """Score the motion maps of each flow method, without any adaptation."""
    still = {"enabled": False}
    network = setting.plan.settings.method.motion
    runs: dict[str, Evaluation] = {}
    for flow in setting.flows:
        runs[f"{network} on {flow}"] = setting.run(method={"flow": flow}, adaptation=still)
    first = setting.flows[0]
    contrast = f"contrast (Eq. 4) on {first}"
    runs[contrast] = setting.run(method={"flow": first, "motion": CONTRAST}, adaptation=still)
    ours = {name: stage_scores(run, "motion") for name, run in runs.items()}
    rows = [["here", name, *cells(scores, _FIGURES)] for name, scores in ours.items()]
    rows += [["paper", name, *(f"{value:.3f}" for value in figures)] for name, figures in FLOWS.items()]
    plot = setting.output / "table1.png"
    title = f"Motion saliency: {setting.dataset.name}; grey: the paper's, DAVIS test set"
    groups = [(name, [scores.maxF], False) for name, scores in ours.items() if scores]
    bars([*groups, *((name, [found.maxF], True) for name, found in FLOWS.items())], ["maxF"], plot, title)
    return Finding(
        study="table1",
        title=f"Table I: motion saliency by source of the flow, {setting.dataset.name}",
        header=("", "motion saliency", *_FIGURES),
        rows=rows,
        notes=["Paper convention. The paper's figures are for its ResDSS-based motion network on the DAVIS test set."],
        figures={
            "dataset": setting.dataset.name,
            "ours": {name: as_figures(scores) for name, scores in ours.items()},
            "paper": {name: found._asdict() for name, found in FLOWS.items()},
        },
        plots=[plot],
    )
