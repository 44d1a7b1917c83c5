from pathlib import Path

import numpy as np
import pytest
import torch

from models import onnx_engine
from models.engine import serve
from models.graph_cache import default_folder
from models.registry import saliency_entry
from models.saliency_model import SaliencyModel

SIZE = (64, 96)
IMAGE = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVESAL_CACHE", str(tmp_path))
    return tmp_path / "graphs"


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The graphs that are really exported, by the names of their classes."""
    made: list[str] = []
    export = onnx_engine.export

    def counted(graph: torch.nn.Module, *arguments: object) -> object:
        made.append(type(graph).__name__)
        return export(graph, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(onnx_engine, "export", counted)
    return made


def network(seed: int = 0) -> SaliencyModel:
    torch.manual_seed(seed)
    return SaliencyModel(saliency_entry("livesal-colour")).eval()


def map_of(model: SaliencyModel, size: tuple[int, int] = SIZE) -> np.ndarray:
    served = serve(model, size)
    return served.head(served.encode(np.resize(IMAGE, (*size, 3))))


def test_the_second_time_nothing_is_exported(exports: list[str], folder: Path) -> None:
    first = map_of(network())
    assert exports == ["EncoderGraph", "HeadGraph"]
    np.testing.assert_array_equal(map_of(network()), first)
    assert exports == ["EncoderGraph", "HeadGraph"]
    assert len(list(folder.iterdir())) == 2, "nothing is left of the writing"


def test_other_weights_and_another_size_are_other_graphs(exports: list[str]) -> None:
    first = map_of(network())
    assert np.abs(map_of(network(seed=1)) - first).max() > 1e-3
    map_of(network(), (96, 96))
    assert exports == ["EncoderGraph", "HeadGraph"] * 3


@pytest.mark.parametrize("damage", [b"", b"no graph", None], ids=["empty", "nonsense", "half"])
def test_a_damaged_graph_is_exported_anew(exports: list[str], folder: Path, damage: bytes | None) -> None:
    first = map_of(network())
    for path in folder.iterdir():
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] if damage is None else damage)
    np.testing.assert_array_equal(map_of(network()), first)
    assert exports == ["EncoderGraph", "HeadGraph"] * 2
    np.testing.assert_array_equal(map_of(network()), first)
    assert len(exports) == 4, "the new graphs are whole"


def test_a_graph_that_computes_something_else_is_exported_anew(exports: list[str], folder: Path) -> None:
    first = map_of(network())
    own = {path.name.rpartition("-")[2]: path for path in folder.iterdir()}
    map_of(network(seed=1))
    for path in folder.iterdir():
        if path not in own.values():
            own[path.name.rpartition("-")[2]].write_bytes(path.read_bytes())
    np.testing.assert_array_equal(map_of(network()), first)
    assert len(exports) == 6


def test_a_folder_that_cannot_be_written_costs_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exports: list[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LIVESAL_CACHE", str(tmp_path / "file"))
    np.testing.assert_array_equal(map_of(network()), map_of(network()))
    assert len(exports) == 4


def test_the_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert default_folder() == tmp_path
    monkeypatch.delenv("LIVESAL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_folder() == Path("/somewhere/livesal")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path.home() / ".cache" / "livesal"
