"""`livesal bench`: measure livesal on this machine."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.console import Console
from rich.markup import escape

from configs.errors import ConfigError
from pipeline.bench.options import SIZE, BenchOptions
from pipeline.bench.report import BenchReport, plot, show, to_json
from pipeline.cli.common import JsonOption, SetOption, overrides
from pipeline.cli.failures import reported
from stream.errors import OutputError

Verb = Literal[
    "path",
    "offline",
    "stages",
    "retraining",
    "swap",
    "viewers",
    "cameras",
    "peers",
    "interference",
    "networks",
    "flow",
    "batch",
]

_MODULES: Final = {"flow": "flows"}
_WIDTH: Final = 150
"""Columns where standard output is no terminal."""
_NUMBERS: Final = {"viewers": "viewers", "cameras": "cameras", "batch": "cameras"}
"""Verbs whose names are counts, and of what."""


def bench(  # noqa: PLR0913, PLR0917 - one argument an option
    verb: Annotated[Verb, typer.Argument(help="What to measure.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Networks, flow methods, numbers of viewers or cameras, where the verb compares such."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="A file or URL instead of the generated scene; `flow`: a folder of photographs.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0.01, help="How long each part measures.")] = None,
    fps: Annotated[int, typer.Option(min=1, max=240, help="Pictures a second of the generated scene.")] = 30,
    frame: Annotated[tuple[int, int], typer.Option(help="Height and width of the generated scene.")] = (720, 1280),
    size: Annotated[tuple[int, int], typer.Option(help="Height and width that networks and flow see alone.")] = SIZE,
    plot_to: Annotated[Path | None, typer.Option("--plot", help="Draw the result into this PNG file.")] = None,
    as_json: JsonOption = False,
    changes: SetOption = None,
) -> None:
    """Measure this machine: figures beside a baseline of the same run, and beside the project's targets.

    path: the whole live path to a viewer's screen. offline: `livesal run`. stages: every step of a frame, and what
    bounds it. retraining, swap: what adapting costs. viewers, cameras: what more of them cost. peers: other methods.
    interference: frames beside a round. networks, flow: one beside the other.
    batch: many cameras' frames at once.

        livesal bench path --seconds 180 --plot path.png

        livesal bench networks u2netp csnet_x2 --json
    """
    with reported():
        options = BenchOptions(
            source=source,
            seconds=seconds,
            fps=fps,
            frame=frame,
            size=size,
            names=_checked(verb, names or []),
            changes=overrides(changes),
        )
        measure: Callable[[BenchOptions], BenchReport] = import_module(
            f"pipeline.bench.{_MODULES.get(verb, verb)}"
        ).measure
        report = measure(options)
        if as_json:
            typer.echo(to_json(report))
        else:
            console = Console()
            show(report, console if console.is_terminal else Console(width=_WIDTH))
        if plot_to is not None:
            _draw(report, plot_to)


def _checked(verb: Verb, names: list[str]) -> list[str]:
    """Return the names, counts of viewers and cameras checked.

    Raises:
        ConfigError: a count is none.
    """
    for name in names if verb in _NUMBERS else ():
        if not name.isdecimal() or int(name) < 1:
            message = f"bench {verb} {name}: expected numbers of {_NUMBERS[verb]}, such as 1 4 10"
            raise ConfigError(message)
    return names


def _draw(report: BenchReport, path: Path) -> None:
    try:
        plot(report, path)
    except (OSError, ValueError) as error:
        message = f"{path}: cannot be written ({error}); --plot wants a PNG file in a folder that exists"
        raise OutputError(message) from None
    Console(stderr=True).print(f"plot: {escape(str(path))}", highlight=False, soft_wrap=True)
