"""The HTML report of an evaluation: one file that can be sent to anybody."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, select_autoescape

from pipeline.evaluation.captions import NAMES
from pipeline.evaluation.conventions import CONVENTIONS, Convention, Curves, averages
from pipeline.evaluation.course_plot import plot_course
from pipeline.evaluation.evaluate import SCORED, STAGES, UNADAPTED, Evaluation
from pipeline.evaluation.plots import Gain, plot_conventions, plot_gains
from pipeline.evaluation.problems import Problem, summarise
from pipeline.evaluation.results import SequenceResult, scores_of
from pipeline.evaluation.score import COLUMN
from pipeline.evaluation.timeline import Timeline


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
    folder, plan = evaluation.output, evaluation.plan
    method = plan.settings.method
    title = f"{evaluation.dataset.name}, {method.colour}, {plan.mode} mode"
    curves = curves_of(dict.fromkeys(STAGES, evaluation.results))
    plots = plot_conventions(curves, folder, title)
    gains = gains_of(evaluation.results)
    if gains:
        plots.append(folder / "gains.png")
        plot_gains(gains, plots[-1], title)
    courses = {}
    for name, timeline in evaluation.timelines.items():
        courses[name] = folder / f"course-{name.replace('/', '--')}.png"
        plot_course(timeline, courses[name], f"{name}: {title}")
    sequences = [
        {
            "name": result.name,
            "gain": next((gain for gain in gains if gain.sequence == result.name), None),
            "frames": result.frames,
            "counts": result.counts,
            "scores": scores_of([result], STAGES)["paper"],
            "course": _data_url(courses[result.name], "image/png") if result.name in courses else None,
            "scenes": _scenes(evaluation.timelines.get(result.name)),
            **{kind: _pictures(folder, result.name, kind) for kind in ("worst", "best", "keyframe")},
        }
        for result in evaluation.results
    ]
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
    if plan.mode == "live":
        facts["a retraining lasts"] = "what it took" if plan.round_seconds is None else f"{plan.round_seconds:g} s"
        facts["frame rate"] = f"{plan.frame_rate:g}"
    scenes = sum(len(sequence.scenes) for sequence in evaluation.dataset.sequences)
    if scenes:
        facts["joined of"] = f"{scenes} scenes"
    settings = {name: getattr(plan.settings, name).model_dump(mode="json") for name in ("method", "adaptation")}
    return _render(
        folder / "report.html",
        title=title,
        facts=facts,
        columns={stage: NAMES[stage] for stage in SCORED},
        stages={stage: NAMES[stage] for stage in STAGES},
        table=scores_of(evaluation.results, SCORED),
        plots=plots,
        sequences=sequences,
        settings=yaml.safe_dump(settings, sort_keys=False),
        problems=evaluation.problems,
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
        stages={},
        sequences=[],
        settings="",
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


def gains_of(results: Sequence[SequenceResult]) -> list[Gain]:
    """Return what the final map of each sequence that could be scored gains."""
    gains = []
    for result in results:
        scores = scores_of([result], SCORED)["paper"]
        best = {column: found.maxF for column, found in scores.items() if found}
        if best:
            final = best["final"]
            gains.append(
                Gain(
                    sequence=result.name,
                    adapting=final - best[UNADAPTED],
                    colour=final - best["colour"],
                    low_level=final - best["low_level"],
                )
            )
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


def _scenes(timeline: Timeline | None) -> list[dict[str, Any]]:
    return timeline.as_json()["scenes"] if timeline is not None else []


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
