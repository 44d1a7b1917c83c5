"""What a benchmark found: one table, single figures beside their targets, lines to plot; as text, JSON or PNG."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

Value = float | int | str | None
"""A figure; None = could not be measured, which a note explains."""

_COLOURS: Final = ("#1b6ca8", "#d1495b", "#66a182", "#edae49", "#5c415d", "#00798c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the plot: y over x; `marks` are x at which something happened."""

    x: Sequence[float]
    y: Sequence[float]
    marks: Sequence[float] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figured:
    """One figure beside what it should be.

    Attributes:
        value: that was measured.
        unit: of it.
        target: as the project states it; empty if there is none.
        met: whether it is met; None where there is no target or no value.
    """

    value: Value
    unit: str = ""
    target: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchReport:
    """All that one verb has to say.

    Attributes:
        verb: its name.
        about: what was measured on what, in a line.
        rows: of the table; the first is the baseline, and each has the same keys.
        figures: by name, where the verb answers single questions.
        notes: what a reader must know.
        lines: for the plot, by label; without any, the plot shows the first measured column.
        axes: labels of the plot's axes.
    """

    verb: str
    about: str
    rows: Sequence[Mapping[str, Value]] = ()
    figures: Mapping[str, Figured] = field(default_factory=dict)
    notes: Sequence[str] = ()
    lines: Mapping[str, Line] = field(default_factory=dict)
    axes: tuple[str, str] = ("", "")


def below(value: float | None, most: float, unit: str) -> Figured:
    """Return a figure that should not exceed `most`."""
    return Figured(value=_round(value), unit=unit, target=f"<= {most:g}", met=None if value is None else value <= most)


def above(value: float | None, least: float, unit: str) -> Figured:
    """Return a figure that should reach `least`."""
    return Figured(
        value=_round(value), unit=unit, target=f">= {least:g}", met=None if value is None else value >= least
    )


def with_ratios(rows: Sequence[Mapping[str, Value]], *keys: str) -> list[dict[str, Value]]:
    """Return the rows, each figure of `keys` followed by its ratio to the first row's."""
    return [_with_ratios(row, rows[0], keys) for row in rows]


def to_json(report: BenchReport) -> str:
    """Return the report as one JSON object; lines are left to the plot."""
    found: dict[str, Any] = {
        "verb": report.verb,
        "about": report.about,
        "machine": machine(),
        "rows": [dict(row) for row in report.rows],
        "figures": {
            name: {"value": one.value, "unit": one.unit, "target": one.target, "met": one.met}
            for name, one in report.figures.items()
        },
        "notes": list(report.notes),
    }
    return json.dumps(found)


def show(report: BenchReport, console: Console) -> None:
    """Print the report as tables."""
    console.print(f"[bold]{report.verb}[/]: {report.about}", highlight=False, soft_wrap=True)
    if report.rows:
        table = Table()
        for key in report.rows[0]:
            numeric = any(isinstance(row[key], int | float) for row in report.rows)
            table.add_column(key, justify="right" if numeric else "left")
        for row in report.rows:
            table.add_row(*(_text(value) for value in row.values()))
        console.print(table)
    if report.figures:
        table = Table("figure", "value", "target", "")
        table.columns[1].justify = "right"
        for name, one in report.figures.items():
            sign = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[one.met]
            table.add_row(
                name, f"{_text(one.value)} {one.unit}".strip(), f"{one.target} {one.unit}" * bool(one.target), sign
            )
        console.print(table)
    for note in report.notes:
        console.print(note, highlight=False, soft_wrap=True, markup=False)


def plot(report: BenchReport, path: Path) -> None:
    """Draw the report's lines, or its table's first measured column as bars, into a PNG file."""
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    if report.lines:
        for (label, line), colour in zip(report.lines.items(), cycle(_COLOURS), strict=False):
            axes.plot(line.x, line.y, color=colour, linewidth=1.2, label=label)
            for mark in line.marks:
                axes.axvline(mark, color=colour, linewidth=0.8, linestyle=":")
        axes.legend(frameon=False)
        axes.set(xlabel=report.axes[0], ylabel=report.axes[1])
        axes.set_ylim(bottom=0)
    else:
        label, key, bars = _bars(report)
        axes.barh(
            [str(row[label]) for row in bars][::-1], [float(row[key] or 0) for row in bars][::-1], color=_COLOURS[0]
        )
        axes.set(xlabel=key)
    axes.grid(visible=True, color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_title(f"livesal bench {report.verb}", loc="left")
    figure.savefig(path, dpi=120)


def machine() -> dict[str, Value]:
    """Return what the figures were measured on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "torch": version("torch"),
        "onnxruntime": version("onnxruntime"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _bars(report: BenchReport) -> tuple[str, str, list[dict[str, Any]]]:
    """Return the table's key of labels, that of the first measured column, and the rows that have a value there."""
    rows: list[dict[str, Any]] = [dict(row) for row in report.rows]
    if not rows:
        rows = [
            {"figure": f"{name} ({one.unit})", "value": one.value}
            for name, one in report.figures.items()
            if isinstance(one.value, int | float)
        ]
    label, *others = rows[0]
    key = next((key for key in others if isinstance(rows[0][key], float)), others[0])
    return label, key, [row for row in rows if isinstance(row[key], int | float)]


def _with_ratios(row: Mapping[str, Value], baseline: Mapping[str, Value], keys: Sequence[str]) -> dict[str, Value]:
    completed: dict[str, Value] = {}
    for key, value in row.items():
        completed[key] = value
        if key in keys:
            base = baseline[key]
            usable = isinstance(value, int | float) and isinstance(base, int | float) and base
            completed[f"{key} ratio"] = round(float(value) / float(base), 2) if usable else None  # type: ignore[arg-type] # checked
    return completed


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _text(value: Value) -> str:
    if value is None:
        return "–"
    return (
        f"{value:,.3g}"
        if isinstance(value, float) and abs(value) < 100
        else f"{value:,.0f}"
        if isinstance(value, int | float)
        else value
    )
