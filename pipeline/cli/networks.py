"""`livesal models`: the networks and their weights."""

import json
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.checkpoint import weights_folder
from models.inventory import NetworkReport, inventory
from pipeline.cli.common import JsonOption


def models(as_json: JsonOption = False) -> None:
    """List the networks: what they are for, how large, under which terms, and whether their weights are here."""
    reports = inventory()
    if as_json:
        typer.echo(json.dumps([asdict(report) for report in reports]))
        return
    table = Table("name", "task", "parameters", "input", "weights", "file", "licence and terms", title="Networks")
    for report in reports:
        size = "×".join(map(str, report.size)) if report.size else "as the frame"
        table.add_row(
            report.name, report.task, _count(report), size, _presence(report), Path(report.file).name, report.licence
        )
    console = Console()
    console.print(table)
    console.print(f"weights folder: {escape(str(weights_folder()))} (set LIVESAL_WEIGHTS for another)", highlight=False)


def _count(report: NetworkReport) -> str:
    return f"{report.parameters / 1e6:.2f} M" if report.parameters else "–"


def _presence(report: NetworkReport) -> str:
    colours = {"ready": "green", "missing": "yellow", "damaged": "red", "none needed": "green"}
    return f"[{colours[report.state]}]{report.state}[/]"
