from pathlib import Path

import pytest
import torch

from models.checkpoint import save_state
from models.errors import CheckpointError, PluginError, UnknownModelError
from models.loading import files_of, load_model, load_servable
from models.registry import saliency_entry
from tests.fakes.plugins import write_onnx, write_plugin


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVESAL_WEIGHTS", str(tmp_path / "weights"))


def test_dashes_and_underscores_are_the_same() -> None:
    assert load_model("livesal_colour").entry is load_model("livesal-colour").entry


def test_a_registered_network_takes_other_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = saliency_entry("csnet-x1").build()
    save_state(network.state_dict(), tmp_path / "mine.safetensors")
    model = load_model(f"csnet-x1={tmp_path}/mine.safetensors")
    assert model.entry.name == "csnet_x1"
    assert not model.training
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in model.network.state_dict().items())
    with pytest.raises(CheckpointError, match=r"mine\.safetensors: not the weights of this network"):
        load_model(f"samnet={tmp_path}/mine.safetensors")
    with pytest.raises(CheckpointError, match="no such weights file"):
        load_model(f"csnet-x1={tmp_path}/yours.pth")
    with pytest.raises(UnknownModelError, match="'u3net'"):
        load_model(f"u3net={tmp_path}/mine.safetensors")


def test_a_file_of_the_users_own_makes_a_network(tmp_path: Path) -> None:
    path = write_plugin(tmp_path)
    model = load_model(f"{path}:build")
    assert model.entry.name == "bright"
    saliency = model(torch.ones(1, 3, 8, 12))
    assert saliency.shape == (1, 1, 8, 12)
    assert saliency.min() > 0.99
    assert files_of(f"{path}:build") == (path, tmp_path / "bright.safetensors")
    assert load_model(f"{path}:build").entry.build is model.entry.build, "the file is run once"


def test_its_weights_may_be_in_the_weights_folder(tmp_path: Path) -> None:
    path = write_plugin(tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "bright.safetensors").rename(tmp_path / "weights" / "bright.safetensors")
    assert load_model(f"{path}:build").entry.name == "bright"
    (tmp_path / "weights" / "bright.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"bright\.safetensors is missing"):
        load_model(f"{path}:build")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("absent", "has no function 'absent'"),
        ("nothing", "has no function 'nothing'"),
        ("broken", r"returned a Conv2d, not a models\.registry\.SaliencyEntry"),
        ("failing", r"failing\(\) failed: KeyError: 'gain'"),
    ],
)
def test_a_file_that_makes_no_network_says_why(tmp_path: Path, function: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        load_model(f"{write_plugin(tmp_path)}:{function}")


def test_a_file_that_cannot_be_run_says_why(tmp_path: Path) -> None:
    (tmp_path / "torn.py").write_text("import nowhere_to_be_found", encoding="utf-8")
    with pytest.raises(PluginError, match=r"torn\.py failed: ModuleNotFoundError"):
        load_model(f"{tmp_path}/torn.py:build")
    with pytest.raises(PluginError, match="no such Python file"):
        load_model(f"{tmp_path}/absent.py:build")


@pytest.mark.parametrize(
    ("spec", "message"),
    [("mine.py", r"as in mine\.py:build"), ("a/b.pth", r"as in u2netp=a/b\.pth"), ("net.onnx", "cannot be retrained")],
)
def test_what_is_no_trainable_network_says_what_to_write(spec: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        load_model(spec)


def test_a_graph_is_loaded_to_be_served(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "net.onnx")
    served = load_servable(str(path)).served((32, 48), "cpu")
    assert not served.adaptable
    assert files_of(str(path)) == (path,)
    assert load_servable("livesal-colour").entry.adaptable
