"""`livesal probe`, `validate`, `schema`, `models`: what is there, and what would be."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from configs.settings import Settings, load_settings
from models.checkpoint import weights_folder
from models.inventory import NetworkReport, inventory
from pipeline.cli.failures import reported
from stream.probe import probe as probe_source
from stream.redaction import redact
from stream.source import open_source

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def probe(
    url: Annotated[str, typer.Argument(help="A file, a folder of images, a device or a URL.")],
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the source.")] = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Open a source, decode one picture, and say what it is."""
    with reported():
        report = probe_source(url, open_timeout=timeout, read_timeout=timeout)
    if as_json:
        typer.echo(json.dumps(asdict(report)))
        return
    table = Table.grid(padding=(0, 2))
    for key, value in asdict(report).items():
        if key != "warnings" and value not in ("", None):
            table.add_row(key.replace("_", " "), escape(f"{value:.3g}" if isinstance(value, float) else str(value)))
    console = Console()
    console.print(table)
    for warning in report.warnings:
        console.print(f"[yellow]![/] {escape(warning)}", highlight=False)


def validate(config: Annotated[Path, typer.Argument(help="A YAML file with settings.")]) -> None:
    """Read a configuration as `serve` would, and say what is wrong with it; nothing is opened."""
    with reported():
        settings = load_settings(config)
        for source in settings.cameras.values():
            open_source(source)
    console = Console()
    console.print(f"[green]{escape(str(config))} is valid[/]: {len(settings.cameras)} cameras", highlight=False)
    for name, source in settings.cameras.items():
        console.print(f"  {name}: {escape(redact(source.url.get_secret_value()))}", highlight=False)


def schema() -> None:
    """Print the JSON Schema of the settings: every key with its meaning, for editors and for reading."""
    typer.echo(json.dumps(Settings.model_json_schema(), indent=2))


def models(as_json: JsonOption = False) -> None:
    """List the networks: what they are for, how large, under which terms, and whether their weights are here."""
    reports = inventory()
    if as_json:
        typer.echo(json.dumps([asdict(report) for report in reports]))
        return
    table = Table("name", "task", "parameters", "input", "weights", "licence and terms", title="Networks")
    for report in reports:
        size = "×".join(map(str, report.size)) if report.size else "as the frame"
        table.add_row(report.name, report.task, _count(report), size, _presence(report), report.licence)
    console = Console()
    console.print(table)
    console.print(f"weights folder: {escape(str(weights_folder()))} (set LIVESAL_WEIGHTS for another)", highlight=False)


def _count(report: NetworkReport) -> str:
    return f"{report.parameters / 1e6:.2f} M" if report.parameters else "–"


def _presence(report: NetworkReport) -> str:
    colours = {"ready": "green", "missing": "yellow", "damaged": "red", "none needed": "green"}
    return f"[{colours[report.state]}]{report.state}[/]"
