"""Where a run's frames go: an overlay video, a folder of maps, JSON lines."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

import cv2
import numpy as np

from pipeline.offline import RunFrame
from pipeline.rendering import render_views
from stream.errors import OutputError
from stream.event_json import event_payload
from stream.events import Event
from stream.frame import Frame
from stream.video_writer import SUFFIXES, VideoWriter

_MAPS = ("motion", "colour", "low_level", "final")


class Output(Protocol):
    """Takes the frames of a run."""

    def __call__(self, run_frame: RunFrame) -> None:
        """Take one frame."""
        ...


def open_output(path: Path, view: str, width: int | None) -> AbstractContextManager[Output]:
    """Return the output that `path` asks for by its form: `.jsonl`, a video suffix, or a folder of maps.

    Args:
        path: file or folder.
        view: what a video or a folder shows, out of `stream.views.VIEWS`.
        width: of a video in pixels; None = the source's.

    Raises:
        OutputError: no output has that suffix.
    """
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        return json_lines(path)
    if suffix in SUFFIXES:
        return video(path, view, width)
    if suffix:
        known = ", ".join((".jsonl", *SUFFIXES))
        message = f"{path}: nothing is written as '{suffix}'; use one of {known}, or a name without suffix for a folder"
        raise OutputError(message)
    return folder(path, view)


@contextmanager
def video(path: Path, view: str, width: int | None) -> Iterator[Output]:
    """Write one view as a video that keeps every frame's time."""
    with VideoWriter(path) as writer:

        def write(run_frame: RunFrame) -> None:
            frame = run_frame.analysed.frame
            shown = width or (frame.size[1] // 2 if view in {"mosaic", "comparison"} else frame.size[1])
            picture = render_views([view], run_frame.analysed, run_frame.regions, shown)[view]
            writer.write(Frame(picture, frame.pts, frame.time_base, frame.sequence, frame.arrived_at))

        yield write


@contextmanager
def folder(path: Path, view: str) -> Iterator[Output]:
    """Write one picture a frame, named by its number: maps as 8-bit grey, other views as they are watched."""
    _make_folder(path)

    def write(run_frame: RunFrame) -> None:
        analysed = run_frame.analysed
        target = path / f"{analysed.frame.sequence:05d}.png"
        if view in _MAPS:
            levels = np.rint(getattr(analysed.saliency, view) * 255).astype(np.uint8)
            height, width = analysed.frame.size
            picture = cv2.resize(levels, (width, height), interpolation=cv2.INTER_LINEAR)
        else:
            width = analysed.frame.size[1]
            shown = render_views([view], analysed, run_frame.regions, width)[view]
            picture = cv2.cvtColor(shown, cv2.COLOR_RGB2BGR)
        if not cv2.imwrite(str(target), picture):
            message = f"{target}: cannot be written; is the disk full?"
            raise OutputError(message)

    yield write


@contextmanager
def json_lines(path: Path) -> Iterator[Output]:
    """Write one JSON object a frame."""
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror})"
        raise OutputError(message) from None
    with file:
        yield _line_writer(file)


def measurements(run_frame: RunFrame) -> dict[str, Any]:
    """Return a frame's figures as JSON values."""
    analysed = run_frame.analysed
    saliency = analysed.saliency
    events: tuple[Event, ...] = (*analysed.events, *run_frame.region_events)
    return {
        "frame": analysed.frame.sequence,
        "pts": analysed.frame.pts,
        "time": round(analysed.frame.time, 6),
        "nr": round(saliency.nr, 6),
        "is_keyframe": saliency.is_keyframe,
        "scene_cut": saliency.scene_cut,
        "model_version": saliency.model_version,
        "saliency_peak": round(float(saliency.final.max()), 6),
        "saliency_mean": round(float(saliency.final.mean()), 6),
        "regions": [{"id": region.id, "box": region.box, "score": region.score} for region in run_frame.regions],
        "events": [event_payload(event) for event in events],
    }


def _line_writer(file: TextIO) -> Output:
    def write(run_frame: RunFrame) -> None:
        file.write(json.dumps(measurements(run_frame), separators=(",", ":")) + "\n")

    return write


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{path}: cannot be made a folder ({error.strerror})"
        raise OutputError(message) from None
