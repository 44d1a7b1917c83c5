"""`livesal bench offline`: frames a second of `livesal run`, in a process of its own as users start it."""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from pipeline.bench.options import BenchOptions
from pipeline.bench.pictures import read_pictures, write_clip
from pipeline.bench.processes import set_options
from pipeline.bench.report import BenchReport, Value, above, with_ratios
from pipeline.errors import BenchError

TARGET: Final = 60.0
"""Frames a second on two cores."""
_WAYS: Final[dict[str, dict[str, Any]]] = {
    "colour and motion": {"adaptation": {"enabled": False}},
    "with the twin": {},
}


def measure(options: BenchOptions) -> BenchReport:
    """Run an H.264 clip through `livesal run`, without and with adaptation."""
    with tempfile.TemporaryDirectory(prefix="livesal-bench-") as folder:
        clip = options.source
        if clip is None:
            path = Path(folder) / "clip.mp4"
            write_clip(read_pictures(options, round(options.lasting(10) * options.fps)), path, options.fps)
            clip = str(path)
        found = {way: asyncio.run(_run(clip, options, changes)) for way, changes in _WAYS.items()}
    rows = [_row(way, *one) for way, one in found.items()]
    plain = found["colour and motion"][0]["fps"]
    return BenchReport(
        verb="offline",
        about=f"{options.source or 'generated clip'} through `livesal run`",
        rows=with_ratios(rows, "frames/s"),
        figures={"offline frames/s": above(float(plain), TARGET, "frames/s")},
        notes=(
            "frames/s: from the first frame to the last, frames of a file waiting for rounds",
            "whole run: with the start of the process",
        ),
    )


async def _run(clip: str, options: BenchOptions, changes: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """Return the run's summary and the seconds from its start to its end."""
    started = time.monotonic()
    command = [sys.executable, "-m", "pipeline.cli.app", "run", clip, "--json"]
    for part in (changes, options.changes):
        command += set_options(part)
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await child.communicate()
    if child.returncode:
        message = f"livesal run {clip} failed: {errors.decode(errors='replace').strip()}"
        raise BenchError(message)
    return json.loads(output.splitlines()[-1]), time.monotonic() - started


def _row(way: str, summary: dict[str, Any], seconds: float) -> dict[str, Value]:
    stages = summary["stages_ms"]
    return {
        "run": way,
        "frames/s": float(summary["fps"]),
        "frames": summary["frames"],
        "colour ms": stages["colour"]["p50"],
        "motion ms": stages["motion"]["p50"],
        "whole run s": round(seconds, 2),
        "retrainings": summary["retrainings"],
    }
