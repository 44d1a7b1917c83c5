"""`livesal score`: anybody's saliency maps on a labelled data set."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from pipeline.cli.evaluate import JobsOption, JsonOption, LayoutOption, SequencesOption, SplitOption, names
from pipeline.cli.failures import reported
from pipeline.evaluation.conventions import CONVENTIONS
from pipeline.evaluation.datasets import AUTO, Dataset, open_dataset
from pipeline.evaluation.jobs import Schedule
from pipeline.evaluation.problems import summarise
from pipeline.evaluation.report import method_scores, write_scores
from pipeline.evaluation.results import SequenceResult, json_scores
from pipeline.evaluation.score import COLUMN, method_names, score_maps
from pipeline.evaluation.tables import score_table

_terminal = Console(stderr=True)


def score(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders of maps, SEQUENCE/FRAME.png; the data set's top folder comes last.")
    ],
    layout: LayoutOption = AUTO,
    split: SplitOption = None,
    sequences: SequencesOption = None,
    jobs: JobsOption = 1,
    output: Annotated[Path | None, typer.Option(help="Folder of the HTML report and the plots.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Score folders of saliency maps, such as those that authors publish, and compare them.

    Prints a table; with --output also writes an HTML report and the curves as in the paper's Fig. 9.

        livesal score maps/SSAV maps/CPD DAVIS --split val --output comparison
    """
    if len(folders) < 2:
        raise typer.BadParameter("give one or more folders of maps, and the data set's folder last")  # noqa: EM101, TRY003 - click's own way
    *maps, dataset_dir = folders
    with reported():
        dataset = open_dataset(dataset_dir, layout, split, names(sequences))
        found = score_maps(method_names(maps), dataset, Schedule(processes=jobs))
    for line in summarise(dataset.problems):
        _terminal.print(f"[yellow]![/yellow] {escape(line)}", highlight=False, soft_wrap=True)
    for method, results in found.items():
        for line in summarise(problem for result in results for problem in result.problems):
            _terminal.print(f"[yellow]![/yellow] {escape(f'{method}: {line}')}", highlight=False, soft_wrap=True)
    if output is not None:
        report = write_scores(found, dataset.name, output)
        _terminal.print(f"report: {report}", highlight=False, soft_wrap=True)
    if as_json:
        typer.echo(json.dumps(as_object(found, dataset)))
    else:
        Console().print(score_table(f"{dataset.name}, {len(dataset.sequences)} sequences", method_scores(found)))


def as_object(found: dict[str, list[SequenceResult]], dataset: Dataset) -> dict[str, Any]:
    """Return the object that `--json` prints: that of `livesal evaluate`, with methods in the stages' place."""
    whole = {method: json_scores(results, [COLUMN]) for method, results in found.items()}
    single = {
        sequence.name: {method: json_scores([found[method][index]], [COLUMN]) for method in found}
        for index, sequence in enumerate(dataset.sequences)
    }
    return {
        "dataset": dataset.name,
        "split": dataset.split,
        "conventions": _by_convention(whole),
        "sequences": {name: _by_convention(scores) for name, scores in single.items()},
    }


def _by_convention(scores: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        convention: {method: found[convention][COLUMN] for method, found in scores.items()}
        for convention in CONVENTIONS
    }
