"""`livesal convert`: a public checkpoint, of Caffe or PyTorch, into the form that livesal loads."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from models import conversion
from pipeline.cli.failures import reported


def convert(
    model: Annotated[Path, typer.Argument(help="A .caffemodel, a PyTorch state dictionary or a .safetensors file.")],
    arch: Annotated[str, typer.Option(help="The network that the weights are of; `livesal models` lists them.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The .safetensors file to write; by default where livesal looks for it."),
    ] = None,
) -> None:
    """Convert a public checkpoint to safetensors, strictly; no code in it is ever run."""
    with reported():
        done = conversion.convert(model, arch, output)
    console = Console()
    console.print(f"[green]{escape(str(done.output))}[/green]", soft_wrap=True)
    console.print(f"network  {done.arch}: {done.tensors} tensors, {done.values / 1e6:.1f} million values")
    console.print(f"source   {escape(str(model))}\nsha256   {done.sha256}", soft_wrap=True)
