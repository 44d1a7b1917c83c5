"""`livesal train`: livesal's own networks, by a recipe."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from pipeline.cli.common import SetOption


class Task(StrEnum):
    """What is trained."""

    colour = "colour"
    motion = "motion"


def train(
    task: Annotated[Task, typer.Argument(help="Saliency of images, or of coded flow.")],
    data: Annotated[
        Path, typer.Option(help="The folder that the recipe's paths are relative to.", envvar="LIVESAL_SHARED")
    ],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The recipe; by default the one that livesal was trained by.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of log and checkpoints; by default runs/TASK.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="End after this long; the same command goes on from there.")
    ] = None,
    workers: Annotated[
        int,
        typer.Option(min=0, help="Processes that make samples beside a GPU, one a core; all pictures are read first."),
    ] = 0,
    changes: SetOption = None,
) -> None:
    """Train a colour or motion network by a recipe; a broken-off training goes on where it was.

    Writes log.jsonl, state.pt (to go on) and TASK.safetensors (the averaged weights, half precision) as it goes.

        livesal train colour --data ../shared

        livesal train motion --data ../shared -s start=runs/colour/colour.safetensors --minutes 30
    """
    from configs.recipe import load_recipe  # noqa: PLC0415 - torch only when it is needed
    from pipeline.cli.common import overrides  # noqa: PLC0415
    from pipeline.cli.failures import reported  # noqa: PLC0415
    from pipeline.cli.training_progress import follow  # noqa: PLC0415
    from pipeline.training.recipe import make_trainer  # noqa: PLC0415

    folder = output or Path("runs") / task.value
    with reported():
        recipe = load_recipe(config, task.value, overrides(changes))
        with Console(stderr=True).status("looking for pictures" if not workers else "reading all pictures"):
            trainer = make_trainer(recipe, data, folder, None if minutes is None else minutes * 60, workers)
        written = follow(trainer, recipe.steps, folder / f"{task.value}.safetensors")
    Console().print(f"written to {escape(str(written))}", highlight=False, soft_wrap=True)
