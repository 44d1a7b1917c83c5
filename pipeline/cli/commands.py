"""The commands by name; each is imported when it is used, for torch and FFmpeg take seconds that help can spare."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from pipeline.garbage import here_to_stay


@dataclass(frozen=True, slots=True)
class Listed:
    """A command as the help lists it.

    Attributes:
        panel: of the help that it stands in.
        module: of `pipeline.cli` where the function of its name is.
        summary: first sentences of that function's docstring.
    """

    panel: str
    module: str
    summary: str


COMMANDS: Final = {
    "demo": Listed(
        "Live",
        "serve",
        "See it work: a generated scene, an embedded MQTT broker, the preview in the browser. Nothing to set up.",
    ),
    "serve": Listed("Live", "serve", "Serve cameras: preview page, WebRTC, HTTP API, MQTT events."),
    "run": Listed("Files", "run", "Go through a file or stream once and write what stands out."),
    "probe": Listed("Files", "inspect", "Open a source, decode one picture, and say what it is."),
    "validate": Listed(
        "Settings",
        "inspect",
        "Read a configuration as `serve` would, and say what is wrong with it; nothing is opened.",
    ),
    "schema": Listed(
        "Settings",
        "inspect",
        "Print the JSON Schema of the settings: every key with its meaning, for editors and for reading.",
    ),
    "models": Listed(
        "Networks",
        "networks",
        "List the networks: what they are for, how large, under which terms, and whether their weights are here.",
    ),
    "convert": Listed(
        "Networks", "convert", "Convert a public checkpoint to safetensors, strictly; no code in it is ever run."
    ),
    "train": Listed(
        "Networks",
        "train",
        "Train a colour or motion network by a recipe; a broken-off training goes on where it was.",
    ),
    "retrain": Listed(
        "Networks",
        "retrain",
        "Do one retraining job by hand: the twin, its loss as a plot, its maps before and after.",
    ),
    "evaluate": Listed(
        "Evaluation",
        "evaluate",
        "Run the method on a labelled data set and score every stage: colour, motion, low-level, final.",
    ),
    "score": Listed(
        "Evaluation", "score", "Score folders of saliency maps, such as those that authors publish, and compare them."
    ),
    "reproduce": Listed(
        "Evaluation",
        "reproduce",
        "Repeat one of the paper's studies on a data set: Markdown, PNG and JSON, the paper's figures beside ours.",
    ),
    "bench": Listed(
        "Evaluation",
        "bench",
        "Measure this machine: figures beside a baseline of the same run, and beside the project's targets.",
    ),
}
"""Every command, in the order of the help."""


class OnDemand(TyperGroup):
    """The group of these commands, listed by stand-ins; the one that is asked for is imported and takes over."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command's name, the command itself, and the arguments that are left for it."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, load(name) if name is not None else stand_in, rest


def load(name: str) -> Any:
    """Import the command `name` and return it as typer runs it."""
    application = typer.Typer(add_completion=False, rich_markup_mode="rich")
    with here_to_stay():
        module = import_module(f"pipeline.cli.{COMMANDS[name].module}")
    application.command(name)(getattr(module, name))
    return get_command(application)


def announce(application: typer.Typer) -> None:
    """List every command in `application`, whose class is `OnDemand`."""
    for name, listed in COMMANDS.items():
        application.command(name, help=listed.summary, rich_help_panel=listed.panel)(_stand_in)


def _stand_in() -> None:
    """Stand for a command that is not imported yet; it is never run."""
