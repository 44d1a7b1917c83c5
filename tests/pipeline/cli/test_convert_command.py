"""`livesal convert` from the command line."""

from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from models.checkpoint import read_state, sha256
from models.registry import saliency_entry
from pipeline.cli.convert import convert
from tests.fakes.caffemodel import caffemodel


@pytest.fixture
def app() -> typer.Typer:
    application = typer.Typer()
    application.command()(convert)
    return application


def test_unknown_network_is_one_line_and_exit_code_four(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "x.caffemodel"), "--arch", "nonesuch"])
    assert result.exit_code == 4
    assert result.stderr.startswith("error: no saliency network is named 'nonesuch'; there are: ")
    assert result.stderr.count("\n") == 1


def test_another_networks_file_is_refused_and_nothing_is_written(app: typer.Typer, tmp_path: Path) -> None:
    model, output = tmp_path / "x.caffemodel", tmp_path / "x.safetensors"
    model.write_bytes(caffemodel([("conv1", "Convolution", [np.ones((1, 1, 1, 1), np.float32)])]))
    result = CliRunner().invoke(app, [str(model), "--arch", "ras-eccv18", "-o", str(output)])
    assert result.exit_code == 4
    assert "not the weights of this network: 94 missing" in result.stderr
    assert "1 unknown (conv1.weight)" in result.stderr
    assert not output.exists()


def test_what_was_converted_is_printed(app: typer.Typer, tmp_path: Path) -> None:
    model, output = tmp_path / "SAMNet.pth", tmp_path / "samnet.safetensors"
    torch.save(saliency_entry("samnet").build().state_dict(), model)
    result = CliRunner().invoke(app, [str(model), "--arch", "samnet", "--output", str(output)])
    assert result.exit_code == 0
    tensors = len(read_state(output))
    assert result.stdout.splitlines() == [
        str(output),
        f"network  samnet: {tensors} tensors, 1.4 million values",
        f"source   {model}",
        f"sha256   {sha256(model)}",
    ]
