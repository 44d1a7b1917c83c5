import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from models.checkpoint import save_state
from models.inventory import NetworkReport, inventory
from models.registry import flow_entry, flow_names, saliency_entry, saliency_names
from pipeline.cli.app import app


@pytest.fixture(autouse=True)
def weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty weights folder."""
    monkeypatch.setenv("LIVESAL_WEIGHTS", str(tmp_path))
    return tmp_path


def reports() -> dict[str, NetworkReport]:
    return {report.name: report for report in inventory()}


def test_every_network_is_listed_with_its_parameters() -> None:
    found = reports()
    assert list(found) == [*saliency_names(), *flow_names()]
    without = {name for name, report in found.items() if report.parameters == 0}
    assert without == {name for name in flow_names() if flow_entry(name).network is None}
    assert "dis" in without
    assert found["raft-small"].parameters == 990162
    assert found["csnet_x1"].size == (224, 224)
    assert {found[name].state for name in without} == {"none needed"}
    assert found["livesal-colour"].state == "ready"
    assert found["u2net"].state == found["raft"].state == "missing"


def test_a_files_state_is_told_without_building_the_network(weights: Path) -> None:
    state = saliency_entry("samnet").build().state_dict()
    save_state(state, weights / "SAMNet_with_ImageNet_pretrain.safetensors")
    torch.save({"a": torch.zeros(1)}, weights / "u2netp.pth")
    torch.save(state, weights / "csnet-L-x1.pth.tar")
    network = flow_entry("raft-small").network
    assert network is not None
    renamed = {f"module.{key}": value for key, value in network().state_dict().items()}
    torch.save(renamed, weights / "raft-small.pth")
    (weights / "raft-things.pth").write_bytes(b"torn")
    found = reports()
    states = {name: found[name].state for name in ("samnet", "u2netp", "csnet_x1", "raft-small", "raft")}
    assert states == {
        "samnet": "ready",
        "u2netp": "damaged",
        "csnet_x1": "damaged",
        "raft-small": "ready",
        "raft": "damaged",
    }
    assert found["samnet"].file == str(weights / "SAMNet_with_ImageNet_pretrain.safetensors")
    assert found["u2net"].file == str(weights / "u2net.pth")


def test_the_command_prints_json() -> None:
    result = CliRunner().invoke(app, ["models", "--json"])
    assert result.exit_code == 0, result.output
    listed = {entry["name"]: entry for entry in json.loads(result.stdout)}
    assert listed.keys() == reports().keys()
    raft = listed["raft-small"]
    assert (raft["task"], raft["parameters"], raft["state"]) == ("flow", 990162, "missing")
    assert raft["url"].startswith("https://")
    assert raft["licence"] == "BSD-3-Clause"


def test_the_command_prints_a_table() -> None:
    result = CliRunner().invoke(app, ["models"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.stdout.splitlines() if "raft-small" in line]
    assert "0.99 M" in line
    assert "missing" in line
