"""The examples of docs/plugins.md work as they are printed."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from configs.method import RetrainingSettings
from models import registry
from models.checkpoint import locate
from models.engine import serve
from models.inventory import inventory
from models.loading import load_model
from models.registry import flow_entry
from models.training.twin import KeyframeTensors, TwinTrainer, mean_error

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"


def blocks() -> dict[str, str]:
    """Return the page's Python blocks by what their first line says."""
    found = re.findall(r"^```python\n# (.*?)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return dict(found)


def run(title: str, folder: Path) -> None:
    """Run a block of the page as a module."""
    path = folder / f"{Path(title).stem.replace(' ', '_')}.py"
    path.write_text(blocks()[title], encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"plugins_page_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


@pytest.fixture(autouse=True)
def _registry_and_weights_of_this_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    registry.saliency_names()
    monkeypatch.setattr(registry, "_saliency", {})
    monkeypatch.setattr(registry, "_flow", {})
    monkeypatch.setenv("LIVESAL_WEIGHTS", str(tmp_path / "weights"))
    torch.set_num_threads(1)


def test_the_page_has_the_blocks_that_are_tested_here() -> None:
    assert list(blocks()) == [
        "models/saliency/glance.py",
        "save the weights of a trained network",
        "models/flow/shift.py",
    ]


def test_the_network_is_listed_loaded_adapted_and_served(tmp_path: Path) -> None:
    torch.manual_seed(0)
    run("models/saliency/glance.py", tmp_path)
    run("save the weights of a trained network", tmp_path)
    assert locate(registry.saliency_entry("glance").checkpoint) == tmp_path / "weights" / "glance.safetensors"
    model = load_model("glance")
    assert model.splits
    images = np.random.default_rng(0).integers(0, 100, (4, 64, 96, 3), np.uint8)
    images[:, 16:48, 32:64] += 150
    labels = np.zeros((4, 64, 96), np.float32)
    labels[:, 16:48, 32:64] = 1
    keyframes = KeyframeTensors(torch.from_numpy(images), torch.from_numpy(labels))
    served = serve(model, (64, 96))
    np.testing.assert_allclose(
        served.head(served.encode(images[0])), model(as_batch(images[0])).detach().numpy()[0, 0], atol=1e-4
    )
    before = mean_error(model, keyframes)
    settings = RetrainingSettings.model_validate({"iterations_per_keyframe": 20, "learning_rate": 0.05})
    trainer = TwinTrainer(model, keyframes, settings)
    assert trainer.decoder_only
    for _ in trainer.run():
        pass
    assert mean_error(model, keyframes) < 0.8 * before


def test_the_network_is_in_the_inventory(tmp_path: Path) -> None:
    run("models/saliency/glance.py", tmp_path)
    assert [(report.name, report.state) for report in inventory()] == [("glance", "missing")]
    run("save the weights of a trained network", tmp_path)
    assert [(report.name, report.state, report.adaptable) for report in inventory()] == [("glance", "ready", True)]


def test_the_flow_method_finds_a_shift(tmp_path: Path) -> None:
    run("models/flow/shift.py", tmp_path)
    texture = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    flow = flow_entry("shift").build()(texture, np.roll(texture, (3, -5), (0, 1)))
    assert flow.shape == (96, 128, 2)
    assert flow.dtype == np.float32
    np.testing.assert_allclose(flow[0, 0], (-5, 3), atol=0.1)


def as_batch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0).float() / 255
