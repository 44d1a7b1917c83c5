"""The `livesal` command."""

import gc
import logging
import os
import sys
import traceback
from importlib.metadata import version
from typing import Annotated, Final

import typer
from rich.console import Console

from pipeline.cli.commands import OnDemand, announce
from pipeline.cli.logs import hide, set_up

_HELP: Final = """Live video saliency that teaches itself the scene.

Point it at a camera or a file: it shows at once what stands out, and keeps retraining a twin of its network on what
it sees.

    livesal demo                             a generated scene, preview in the browser

    livesal run clip.mp4 -o overlay.mp4      a file, with what stands out laid over it

    livesal serve cameras.yaml               cameras: WebRTC preview, MQTT events, HTTP API
"""

app = typer.Typer(
    name="livesal",
    cls=OnDemand,
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
announce(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        Console().print(f"livesal {version('livesal')}", highlight=False)
        raise typer.Exit


@app.callback()
def options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Set up what all commands share."""
    del show_version
    set_up(verbose=verbose)


def main() -> None:
    """Run the command line; a reader of our output that goes away is no error, a defect of ours is one line."""
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:  # noqa: BLE001 - it was the last chance to hide what is secret in it
        if logging.getLogger().isEnabledFor(logging.INFO):
            print(hide(traceback.format_exc()), file=sys.stderr)  # noqa: T201
            sys.exit(1)
        found = hide(f"{type(error).__name__}: {error}".splitlines()[0])
        print(f"error: a defect of livesal: {found}. Run it again with --verbose and report it.", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    finally:
        gc.freeze()  # with torch loaded, the interpreter's last look for garbage takes long


if __name__ == "__main__":
    main()
