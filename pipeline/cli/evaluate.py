"""`livesal evaluate`: the method on a labelled data set."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from configs.errors import ConfigError
from configs.settings import FOLDER, Settings, load_settings, merge
from configs.yaml_file import read_yaml
from pipeline.cli.common import ConfigOption, SetOption, overrides
from pipeline.cli.failures import reported
from pipeline.evaluation.datasets import AUTO, open_dataset
from pipeline.evaluation.evaluate import SCORED, Evaluation
from pipeline.evaluation.evaluate import evaluate as run_evaluation
from pipeline.evaluation.joining import JoinPlan, join, scene_seconds
from pipeline.evaluation.problems import summarise
from pipeline.evaluation.report import write_evaluation
from pipeline.evaluation.results import scores_of
from pipeline.evaluation.runner import Mode, RunPlan
from pipeline.evaluation.tables import score_table
from pipeline.evaluation.timeline import in_words

_terminal = Console(stderr=True)


DatasetFolder = Annotated[Path, typer.Argument(help="Top folder of a labelled data set.", show_default=False)]
LayoutOption = Annotated[
    str, typer.Option(help="auto, folders, davis2016, segtrackv2, visal, fbms, davsod, cdnet, mcl or uvsd.")
]
SplitOption = Annotated[str | None, typer.Option(help="Part of the data set, as the set itself names it: val.")]
SequencesOption = Annotated[
    list[str] | None, typer.Option(help="Take these sequences only: several times, or separated by commas.")
]
JobsOption = Annotated[int, typer.Option(min=1, help="Sequences at a time, each in a process of its own.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
RetrainOption = Annotated[
    str, typer.Option(help="Simulated duration of a retraining in live mode: seconds, or 'measured'.")
]


def evaluate(  # noqa: PLR0913, PLR0917 - one argument an option
    dataset_dir: DatasetFolder,
    layout: LayoutOption = AUTO,
    split: SplitOption = None,
    mode: Annotated[Mode, typer.Option(help="Causal, as a viewer gets it; or whole video, two passes.")] = "live",
    model: Annotated[str | None, typer.Option(help="Colour network: a name of `livesal models`, or a file.")] = None,
    motion: Annotated[str | None, typer.Option(help="Motion network, or 'contrast' for Eq. (4).")] = None,
    flow: Annotated[str | None, typer.Option(help="Optical flow: a name of `livesal models`.")] = None,
    sequences: SequencesOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
    retrain_seconds: RetrainOption = "4",
    frame_rate: Annotated[
        float | None, typer.Option(min=1, help="Of the data set's videos: 25 by default, 30 of joined streams.")
    ] = None,
    joined: Annotated[
        str | None,
        typer.Option(
            "--join",
            metavar="SECONDS",
            help="Join the sequences into long streams whose scenes last this long: 30, or 20-60. Live mode.",
        ),
    ] = None,
    streams: Annotated[int, typer.Option(min=1, help="With --join: streams that the sequences are dealt to.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="With --join: of the scenes' order and durations.")] = 0,
    jobs: JobsOption = 1,
    save_maps: Annotated[Path | None, typer.Option(help="Save final maps here, SEQUENCE/FRAME.png.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder of the report and of finished sequences.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the method on a labelled data set and score every stage: colour, motion, low-level, final.

    Prints maxF, avgF, MAE, S and E in the paper's and the toolbox's convention and writes an HTML report. A sequence
    that is finished is kept: the same command goes on where it was stopped.

        livesal evaluate DAVIS --split val --mode paper
        livesal evaluate my-videos --layout folders --json
        livesal evaluate DAVIS --join 20-60
    """
    with reported():
        dataset = open_dataset(dataset_dir, layout, split, names(sequences))
        rate = frame_rate or (30.0 if joined else 25.0)
        if joined is not None:
            dataset = join(dataset, join_plan(joined, mode, rate, streams, seed))
        elif streams > 1 or seed:
            message = "--streams and --seed say how --join joins: give --join as well"
            raise ConfigError(message)
        settings = method_settings(mode, config, overrides(assignments), colour=model, motion=motion, flow=flow)
        plan = RunPlan(mode=mode, settings=settings, round_seconds=duration(retrain_seconds), frame_rate=rate)
        folder = output or default_output(dataset.name, dataset.split, plan, joined)
        found = run_evaluation(dataset, plan, folder, maps=save_maps, processes=jobs)
    report = write_evaluation(found)
    content = json.dumps(found.as_json(), indent=None if as_json else 2)
    (folder / "evaluation.json").write_text(content + "\n", encoding="utf-8")
    _tell(found, report, as_json=as_json)
    if as_json:
        typer.echo(content)


def method_settings(mode: Mode, config: Path | None, changes: Mapping[str, Any], **method: str | None) -> Settings:
    """Return the settings of a mode: the paper's in paper mode, `config` and `changes` on top, then `method`'s.

    Raises:
        ConfigError: something in them is wrong.
    """
    content: dict[str, Any] = read_yaml(FOLDER / "paper.yaml") if mode == "paper" else {}
    if config is not None:
        content = merge(content, read_yaml(config))
    chosen = {key: value for key, value in method.items() if value is not None}
    return load_settings(None, merge(merge(content, changes), {"method": chosen}))


def join_plan(seconds: str, mode: Mode, frame_rate: float, streams: int, seed: int) -> JoinPlan:
    """Return how sequences are joined.

    Raises:
        ConfigError: paper mode, which has no clock, was asked for.
        SelectionError: `seconds` are none.
    """
    if mode == "paper":
        message = "--join makes streams for live mode; in paper mode every sequence is a video of its own"
        raise ConfigError(message)
    shortest, longest = scene_seconds(seconds)
    return JoinPlan(shortest=shortest, longest=longest, frame_rate=frame_rate, streams=streams, seed=seed)


def duration(text: str) -> float | None:
    """Return the seconds that `text` says; None for `measured`.

    Raises:
        ConfigError: neither seconds nor `measured`.
    """
    if text == "measured":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if seconds < 0:
        message = f"--retrain-seconds is seconds or 'measured', not '{text}'"
        raise ConfigError(message)
    return seconds


def names(given: list[str] | None) -> list[str]:
    """Return the names in an option that can be given several times, each time with commas."""
    return [name for entry in given or [] for name in entry.split(",") if name]


def default_output(dataset: str, split: str | None, plan: RunPlan, joined: str | None = None) -> Path:
    """Return the folder that an evaluation is kept in where none is named."""
    method = plan.settings.method
    parts = [dataset, split, f"joined-{joined}" if joined else None, plan.mode, Path(method.colour).stem, method.flow]
    return Path("evaluations") / "-".join(part for part in parts if part)


def _tell(found: Evaluation, report: Path, *, as_json: bool) -> None:
    for line in summarise(found.problems):
        _terminal.print(f"[yellow]![/yellow] {escape(line)}", highlight=False, soft_wrap=True)
    if as_json:
        return
    counts = found.counts
    title = f"{found.dataset.name}, {found.plan.mode} mode, sequences: {len(found.results)}"
    console = Console()
    console.print(score_table(title, scores_of(found.results, SCORED)))
    for name, timeline in found.timelines.items():
        console.print(f"{name}: {in_words(timeline.windows())}", highlight=False, soft_wrap=True)
    console.print(
        f"{counts.keyframes} keyframes, {counts.retrainings} retrainings, {counts.swaps} swaps, "
        f"{counts.rejected} rejected; {found.fps:.1f} frames/s; report: {report}",
        highlight=False,
        soft_wrap=True,
    )
