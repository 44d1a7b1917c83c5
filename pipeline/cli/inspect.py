"""`livesal probe`, `validate`, `schema`: what a source is, what a configuration says."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from configs.settings import Settings, load_settings
from pipeline.cli.common import JsonOption
from pipeline.cli.failures import reported
from stream.probe import probe as probe_source
from stream.redaction import redact
from stream.source import open_source


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
