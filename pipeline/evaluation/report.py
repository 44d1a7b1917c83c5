"""The HTML report of an evaluation: one file that can be sent to anybody."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

from pipeline.evaluation.conventions import CONVENTIONS, Convention, Curves, averages
from pipeline.evaluation.evaluate import STAGES, Evaluation
from pipeline.evaluation.plots import NAMES, plot_conventions, plot_gains
from pipeline.evaluation.problems import Problem, summarise
from pipeline.evaluation.results import SequenceResult, scores_of
from pipeline.evaluation.score import COLUMN


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture in the report.

    Attributes:
        frame: name of the frame.
        figure: what is written beside it: maxF, or NR for a keyframe.
        source: the picture as a data URL.
    """

    frame: str
    figure: str
    source: str


def write_evaluation(evaluation: Evaluation) -> Path:
    """Write `report.html`, its plots and `evaluation.json` into the evaluation's folder; return the report."""
    folder, title = evaluation.output, f"{evaluation.dataset.name}, {evaluation.plan.mode} mode"
    curves = curves_of(dict.fromkeys(STAGES, evaluation.results))
    plots = plot_conventions(curves, folder, title)
    gains = gains_of(evaluation.results)
    if gains:
        plots.append(folder / "gains.png")
        plot_gains(gains, plots[-1], title)
    sequences = [
        {
            "name": result.name,
            "gain": next((gain for gain in gains if gain[0] == result.name), None),
            "counts": result.counts,
            "scores": scores_of([result], STAGES)["paper"],
            **{kind: _pictures(folder, result.name, kind) for kind in ("worst", "best", "keyframe")},
        }
        for result in evaluation.results
    ]
    method = evaluation.plan.settings.method
    facts = {
        "layout": evaluation.dataset.layout,
        "split": evaluation.dataset.split or "all",
        "mode": evaluation.plan.mode,
        "model": method.colour,
        "motion": method.motion,
        "flow": method.flow,
        "frames": sum(result.frames for result in evaluation.results),
        "keyframes": evaluation.counts.keyframes,
        "retrainings": evaluation.counts.retrainings,
        "swaps": evaluation.counts.swaps,
        "rejected": evaluation.counts.rejected,
        "frames a second": f"{evaluation.fps:.1f}",
    }
    return _render(
        folder / "report.html",
        title=title,
        facts=facts,
        columns={stage: NAMES[stage] for stage in STAGES},
        table=scores_of(evaluation.results, STAGES),
        plots=plots,
        sequences=sequences,
        problems=[problem for result in evaluation.results for problem in result.problems],
    )


def write_scores(by_method: Mapping[str, Sequence[SequenceResult]], dataset: str, folder: Path) -> Path:
    """Write `report.html` and the plots of scored folders of maps into `folder`; return the report."""
    plots = plot_conventions(curves_of(by_method, COLUMN), folder, dataset)
    return _render(
        folder / "report.html",
        title=f"Saliency maps on {dataset}",
        facts={"methods": len(by_method), "sequences": len(next(iter(by_method.values())))},
        columns={method: method for method in by_method},
        table=method_scores(by_method),
        plots=plots,
        sequences=[],
        problems=[
            Problem(f"{method}: {problem.sequence}", problem.kind, problem.frame, problem.detail, problem.scored)
            for method, results in by_method.items()
            for result in results
            for problem in result.problems
        ],
    )


def method_scores(by_method: Mapping[str, Sequence[SequenceResult]]) -> dict[Convention, dict[str, Any]]:
    """Return each method's figures over all its sequences, by convention."""
    table: dict[Convention, dict[str, Any]] = {convention: {} for convention in CONVENTIONS}
    for method, results in by_method.items():
        for convention, found in scores_of(results, [COLUMN]).items():
            table[convention][method] = found[COLUMN]
    return table


def curves_of(
    results: Mapping[str, Sequence[SequenceResult]], column: str | None = None
) -> dict[Convention, dict[str, Curves]]:
    """Return the curves to plot by convention and name; those of `column`, by default the column of that name."""
    curves: dict[Convention, dict[str, Curves]] = {convention: {} for convention in CONVENTIONS}
    for name, found in results.items():
        for convention in CONVENTIONS:
            scored = averages((result.totals[column or name][convention] for result in found), convention)
            if scored is not None:
                curves[convention][name] = scored[1]
    return curves


def gains_of(results: Sequence[SequenceResult]) -> list[tuple[str, float, float]]:
    """Return each sequence's gain in maxF of the final map on the original colour map and on the low-level map."""
    gains = []
    for result in results:
        scores = scores_of([result], STAGES)["paper"]
        final, colour, low_level = scores["final"], scores["colour"], scores["low_level"]
        if final and colour and low_level:
            gains.append((result.name, final.maxF - colour.maxF, final.maxF - low_level.maxF))
    return gains


def _render(path: Path, *, plots: Sequence[Path], problems: Sequence[Problem], **values: Any) -> Path:
    environment = Environment(
        loader=PackageLoader("pipeline.evaluation", "templates"), autoescape=select_autoescape(), trim_blocks=True
    )
    page = environment.get_template("report.html.jinja").render(
        plots=[(plot.stem, _data_url(plot, "image/png")) for plot in plots],
        problems=summarise(problems),
        conventions=CONVENTIONS,
        version=version("livesal"),
        **values,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def _pictures(folder: Path, sequence: str, kind: str) -> list[Shown]:
    """Return a sequence's pictures of one kind, as the gallery named them."""
    found = []
    for path in sorted((folder / "frames" / sequence.replace("/", "--")).glob(f"{kind}_*.jpg")):
        _, _, rest = path.stem.split("_", 2)
        frame, _, figure = rest.rpartition("_")
        found.append(Shown(frame, figure, _data_url(path, "image/jpeg")))
    return found


def _data_url(path: Path, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
