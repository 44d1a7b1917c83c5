"""A training as its user sees it: a bar with the loss, the figures of each validation, a plot at the end."""

import json
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.checkpoint import save_state
from models.denormals import flush_denormals
from models.training.loop import Trainer
from pipeline.allocation import keep_memory

_PREFIX = "network."


def follow(trainer: Trainer, steps: int, weights: Path) -> Path:
    """Train, show how it goes, and write the averaged weights to `weights` at the end, half precision.

    Returns:
        The path of the weights.
    """
    keep_memory()
    flush_denormals()
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = 0
    smooth: float | None = None
    log = weights.parent / "log.jsonl"
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("first step", total=steps)
        for done in trainer.run():
            smooth = done.loss if smooth is None else 0.98 * smooth + 0.02 * done.loss
            progress.update(task, completed=done.step, description=f"loss {smooth:.3f}")
            lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
            for line in lines[shown:]:
                console.print(_figures(line), highlight=False)
            shown = len(lines)
    state = {name.removeprefix(_PREFIX): value.half() for name, value in trainer.averaged.items()}
    save_state(state, weights)
    return weights


def _figures(line: str) -> str:
    record = json.loads(line)
    parts = [f"{key} {value:.4f}" for key, value in record.items() if key not in ("step", "time")]
    return f"step {record['step']}: {', '.join(parts)}"
