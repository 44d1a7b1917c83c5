"""`livesal run`: a file or stream, once through."""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from configs.settings import load_settings
from configs.source import SourceSettings
from pipeline.cli.common import ConfigOption, SetOption, overrides, with_camera
from pipeline.cli.failures import reported
from pipeline.offline import Run, RunFrame, RunSummary
from pipeline.outputs import Output, measurements, open_output
from stream.errors import OutputError
from stream.probe import probe
from stream.source import open_source
from stream.views import VIEWS
from stream.whip_source import WhipSource, needs_service

_CAMERA = "run"


def _known_view(view: str) -> str:
    if view not in VIEWS:
        message = f"'{view}' is no view; choose one of {', '.join(VIEWS)}"
        raise typer.BadParameter(message)
    return view


def run(
    source: Annotated[str, typer.Argument(metavar="INPUT", help="A file, a folder of images, a device or a URL.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A video (.mp4, .mkv), a folder of pictures, or .jsonl; by default nothing is kept."
        ),
    ] = None,
    view: Annotated[
        str, typer.Option(help=f"What a video or a folder shows: {', '.join(VIEWS)}.", callback=_known_view)
    ] = "overlay",
    width: Annotated[int | None, typer.Option(min=64, help="Width of a video; by default the source's.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON line a frame, and a summary as the last line.")
    ] = False,
    config: ConfigOption = None,
    changes: SetOption = None,
) -> None:
    """Go through a file or stream once and write what stands out.

    Frames of a file wait while the twin is retrained, so that the rest of the clip profits; a live stream goes on.

        livesal run clip.mp4 -o overlay.mp4

        livesal run clip.mp4 -o maps --view final

        livesal run rtsp://camera/stream --json | jq .nr
    """
    with reported():
        settings = load_settings(config, with_camera(source, _CAMERA, overrides(changes)))
        camera = settings.cameras[_CAMERA]
        opened = open_source(camera)
        if isinstance(opened, WhipSource):
            raise needs_service()
        work = Run(opened, settings, _CAMERA)
        try:
            total = None if work.live else _frame_count(camera)
            with _progress() as progress, _opened(output, source, view, width) as write:
                task = progress.add_task("loading networks", total=total)
                asyncio.run(_run(work, partial(_take, write, progress, task, as_json=as_json)))
        except KeyboardInterrupt:
            Console(stderr=True).print("stopped; what was written is complete up to here")
    if as_json:
        typer.echo(json.dumps(asdict(work.summary())))
    else:
        _show(work.summary(), output)


async def _run(work: Run, take: Callable[[RunFrame], None]) -> None:
    cv2.setNumThreads(1)
    await work.consume(take)


def _take(write: Output, progress: Progress, task: TaskID, frame: RunFrame, *, as_json: bool) -> None:
    """Write a frame and show how far the run is; in the output's thread."""
    write(frame)
    if as_json:
        sys.stdout.write(json.dumps(measurements(frame), separators=(",", ":")) + "\n")
    saliency = frame.analysed.saliency
    twin = f"twin {saliency.model_version}" if saliency.model_version else "original"
    progress.update(task, advance=1, description=f"NR {saliency.nr:.2f}, {twin}")


def _opened(output: Path | None, source: str, view: str, width: int | None) -> AbstractContextManager[Output]:
    if output is None:
        return nullcontext(_keep_nothing)
    if output.exists() and Path(source).exists() and output.samefile(source):
        message = f"{output}: is the input itself, which would be lost; write to another file"
        raise OutputError(message)
    return open_output(output, view, width)


def _keep_nothing(run_frame: RunFrame) -> None:
    del run_frame


def _frame_count(camera: SourceSettings) -> int | None:
    """Return about how many frames a file has; None where that is unknown.

    Raises:
        SourceError: it cannot be opened.
    """
    found = probe(camera.url.get_secret_value(), open_timeout=camera.open_timeout, read_timeout=camera.read_timeout)
    return round(found.duration * found.frame_rate) if found.duration and found.frame_rate else None


def _progress() -> Progress:
    """Return a bar on standard error, so that standard output stays clean for JSON; none where that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _show(summary: RunSummary, output: Path | None) -> None:
    console = Console()
    console.print(
        f"[bold]{summary.frames}[/] frames in {summary.seconds:.1f} s ({summary.fps:.1f} fps), "
        f"{summary.keyframes} keyframes, {summary.retrainings} retrainings, {summary.swaps} swaps, "
        f"{summary.rejected} rejected",
        highlight=False,
    )
    if output is not None:
        console.print(f"written to {escape(str(output))}", highlight=False, soft_wrap=True)
