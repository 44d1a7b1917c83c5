"""What a study is given, and what it comes to: tables, plots, and the figures behind them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configs.settings import Settings
from pipeline.evaluation.conventions import Scores
from pipeline.evaluation.datasets import Dataset
from pipeline.evaluation.evaluate import STAGES, Evaluation, evaluate
from pipeline.evaluation.results import scores_of
from pipeline.evaluation.runner import RunPlan
from pipeline.evaluation.tables import markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a study works with.

    Attributes:
        dataset: what is evaluated on.
        plan: how, unless the study varies it.
        models: colour networks to compare.
        flows: flow methods to compare.
        maps: other methods' folders of maps, by name.
        output: folder of the runs and of the study's files.
        processes: sequences at a time.
        quiet: whether no progress is shown.
    """

    dataset: Dataset
    plan: RunPlan
    models: tuple[str, ...]
    flows: tuple[str, ...]
    maps: Mapping[str, Path] = field(default_factory=dict)
    output: Path
    processes: int = 1
    quiet: bool = False

    def run(self, **changes: Mapping[str, Any]) -> Evaluation:
        """Evaluate with some settings changed, section by section: `method={"flow": "dis"}`.

        Runs are kept by what was changed, so that studies share them.
        """
        settings = changed(self.plan.settings, changes)
        plan = RunPlan(
            mode=self.plan.mode,
            settings=settings,
            round_seconds=self.plan.round_seconds,
            frame_rate=self.plan.frame_rate,
        )
        words = [f"{key}-{value}" for section in changes.values() for key, value in _leaves(section)]
        folder = self.output / "runs" / "_".join([plan.mode, *(word.replace("/", "-") for word in words)])
        return evaluate(self.dataset, plan, folder, processes=self.processes, quiet=self.quiet)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a study comes to.

    Attributes:
        study: its name, such as `table3`.
        title: what it shows.
        header: of the table.
        rows: of the table, cells as text.
        notes: what has to be known to read it.
        figures: the numbers behind it, for JSON.
        plots: PNG files.
    """

    study: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    figures: Mapping[str, Any]
    plots: Sequence[Path]

    def write(self, folder: Path) -> Path:
        """Write `STUDY.md` and `STUDY.json` beside the plots; return the Markdown file."""
        folder.mkdir(parents=True, exist_ok=True)
        parts = [f"# {self.title}", markdown(self.header, self.rows), *self.notes]
        parts += [f"![{plot.stem}]({plot.name})" for plot in self.plots]
        path = folder / f"{self.study}.md"
        path.write_text("\n\n".join(part.rstrip("\n") for part in parts) + "\n", encoding="utf-8")
        content = {"study": self.study, "title": self.title, **self.figures}
        (folder / f"{self.study}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        return path


def changed(settings: Settings, changes: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Return settings with `changes` laid over them, checked like any others.

    Raises:
        ValidationError: a change is no valid setting.
    """
    content = settings.model_dump()
    for section, change in changes.items():
        content[section] = _over(content[section], change)
    return type(settings)(**content)


def stage_scores(evaluation: Evaluation, stage: str) -> Scores | None:
    """Return a stage's figures in the paper's convention."""
    return scores_of(evaluation.results, STAGES)["paper"][stage]


def as_figures(scores: Scores | None) -> dict[str, float] | None:
    """Return the three figures that the paper reports."""
    return None if scores is None else {"maxF": scores.maxF, "avgF": scores.avgF, "MAE": scores.MAE}


def _over(below: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    laid = dict(below)
    for key, value in change.items():
        laid[key] = _over(laid[key], value) if isinstance(value, Mapping) else value
    return laid


def _leaves(section: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the innermost keys and values of nested changes."""
    found: list[tuple[str, Any]] = []
    for key, value in section.items():
        found += _leaves(value) if isinstance(value, Mapping) else [(key, value)]
    return found
