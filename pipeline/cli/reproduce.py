"""`livesal reproduce`: the paper's tables and figures."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from models.checkpoint import locate
from models.errors import ModelError
from models.registry import flow_entry, flow_names, saliency_entry, saliency_names
from pipeline.cli.common import ConfigOption, SetOption, overrides
from pipeline.cli.evaluate import (
    DatasetFolder,
    JobsOption,
    LayoutOption,
    RetrainOption,
    SequencesOption,
    SplitOption,
    duration,
    method_settings,
    names,
)
from pipeline.cli.failures import reported
from pipeline.evaluation.datasets import AUTO, open_dataset
from pipeline.evaluation.reproduce.studies import study_named
from pipeline.evaluation.reproduce.study import Setting
from pipeline.evaluation.runner import Mode, RunPlan
from pipeline.evaluation.score import method_names


def reproduce(  # noqa: PLR0913, PLR0917 - one argument an option
    study: Annotated[str, typer.Argument(help="table1, table3 … table6, fig5, fig7, fig9 or selection.")],
    dataset_dir: DatasetFolder,
    layout: LayoutOption = AUTO,
    split: SplitOption = None,
    mode: Annotated[Mode, typer.Option(help="Whole video in two passes, as in the paper; or live.")] = "paper",
    models: Annotated[
        list[str] | None, typer.Option(help="Colour networks; by default all whose weights are there.")
    ] = None,
    flows: Annotated[
        list[str] | None, typer.Option(help="Flow methods of table1; by default all whose weights are there.")
    ] = None,
    maps: Annotated[list[Path] | None, typer.Option(help="Other methods' folders of maps, for fig9.")] = None,
    sequences: SequencesOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
    retrain_seconds: RetrainOption = "4",
    frame_rate: Annotated[float, typer.Option(min=1, help="Of the data set's videos.")] = 25.0,
    jobs: JobsOption = 1,
    output: Annotated[Path, typer.Option(help="Folder of the study's files and of its runs.")] = Path("reproduced"),
) -> None:
    """Repeat one of the paper's studies on a data set: Markdown, PNG and JSON, the paper's figures beside ours.

    Runs are kept and shared between studies; the same command goes on where it was stopped.

        livesal reproduce table3 DAVIS --split val
        livesal reproduce fig5 my-videos --layout folders --models livesal-colour
    """
    with reported():
        setting = Setting(
            dataset=open_dataset(dataset_dir, layout, split, names(sequences)),
            plan=RunPlan(
                mode=mode,
                settings=method_settings(mode, config, overrides(assignments)),
                round_seconds=duration(retrain_seconds),
                frame_rate=frame_rate,
            ),
            models=tuple(names(models)) or present_models(),
            flows=tuple(names(flows)) or present_flows(),
            maps=method_names(maps or []),
            output=output,
            processes=jobs,
        )
        finding = study_named(study)(setting)
    written = finding.write(output)
    Console().print(written.read_text(encoding="utf-8"), highlight=False, soft_wrap=True, markup=False)
    Console(stderr=True).print(f"written: {written}", highlight=False, soft_wrap=True)


def present_models() -> tuple[str, ...]:
    """Return the colour networks whose weights are there, livesal's own first."""
    found = [name for name in saliency_names() if saliency_entry(name).task == "colour" and _present(name)]
    return tuple(sorted(found, key=lambda name: not name.startswith("livesal")))


def present_flows() -> tuple[str, ...]:
    """Return the flow methods that need no weights, or whose weights are there."""
    found = []
    for name in flow_names():
        checkpoint = flow_entry(name).checkpoint
        try:
            if checkpoint is not None:
                locate(checkpoint)
        except ModelError:
            continue
        found.append(name)
    return tuple(sorted(found, key=lambda name: name != "dis"))


def _present(name: str) -> bool:
    try:
        locate(saliency_entry(name).checkpoint)
    except ModelError:
        return False
    return True
