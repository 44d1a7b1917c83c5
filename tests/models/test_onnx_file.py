from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from models.errors import ExportError, PluginError
from models.onnx_file import OnnxFile
from models.registry import IMAGENET
from tests.fakes.plugins import write_onnx

SIZE = (32, 48)


@pytest.fixture
def image() -> np.ndarray:
    """Dark on the left, bright on the right."""
    image = np.full((*SIZE, 3), 40, np.uint8)
    image[:, 24:] = 220
    return image


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_a_float_input_gets_imagenets_normalisation(tmp_path: Path, image: np.ndarray) -> None:
    served = OnnxFile(write_onnx(tmp_path / "net.onnx")).served(SIZE, "cpu")
    saliency = served.head(served.encode(image))
    expected = sigmoid(((image / 255 - IMAGENET.mean) / IMAGENET.std).mean(2))
    assert saliency.shape == served.size == SIZE
    assert saliency.dtype == np.float32
    np.testing.assert_allclose(saliency, expected, atol=1e-5)


def test_a_uint8_input_gets_rgb_as_it_is(tmp_path: Path, image: np.ndarray) -> None:
    path = write_onnx(tmp_path / "net.onnx", kind=TensorProto.UINT8, gain=0.01)
    served = OnnxFile(path).served(SIZE, "cpu")
    np.testing.assert_allclose(served.head(served.encode(image)), sigmoid(0.01 * image.mean(2)), atol=1e-5)


def test_a_fixed_size_is_resized_to_and_from(tmp_path: Path, image: np.ndarray) -> None:
    file = OnnxFile(write_onnx(tmp_path / "net.onnx", (1, 3, 64, 64)))
    assert file.size == (64, 64)
    assert file.prepare(image).shape == (1, 3, 64, 64)
    saliency = file.served(SIZE, "cpu").head(image)
    assert saliency.shape == SIZE
    assert saliency[:, 30:].min() > saliency[:, :18].max()


def test_it_has_no_twin(tmp_path: Path) -> None:
    served = OnnxFile(write_onnx(tmp_path / "net.onnx")).served(SIZE, "cpu")
    assert not served.adaptable
    with pytest.raises(ExportError, match="has no twin"):
        served.twin_head({})


@pytest.mark.parametrize(
    ("shape", "kind", "found"),
    [
        ((1, 1, "h", "w"), TensorProto.FLOAT, r"picture tensor\(float\) \[1, 1, 'h', 'w'\]"),
        ((4, 3, 8, 8), TensorProto.FLOAT, r"\[4, 3, 8, 8\]"),
        ((1, 3, "h"), TensorProto.FLOAT, r"\[1, 3, 'h'\]"),
        ((1, 3, "h", "w"), TensorProto.DOUBLE, r"tensor\(double\)"),
    ],
)
def test_another_input_is_refused(tmp_path: Path, shape: tuple[int | str, ...], kind: int, found: str) -> None:
    with pytest.raises(PluginError, match=f"input must be one .* found: .*{found}"):
        OnnxFile(write_onnx(tmp_path / "net.onnx", shape, kind))


def test_logits_are_refused(tmp_path: Path) -> None:
    file = OnnxFile(write_onnx(tmp_path / "net.onnx", last="Identity"))
    with pytest.raises(PluginError, match=r"output runs from -\d.* but saliency lies in \[0, 1\]: .* sigmoid"):
        file.served(SIZE, "cpu")


def test_an_output_that_is_no_map_is_refused(tmp_path: Path) -> None:
    file = OnnxFile(write_onnx(tmp_path / "net.onnx", last="Flatten"))
    with pytest.raises(PluginError, match=r"one map such as \(1, 1, h, w\); found \(1, 1536\)"):
        file.served(SIZE, "cpu")


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"no graph")
    with pytest.raises(PluginError, match=r"net\.onnx: ONNX Runtime cannot read it: "):
        OnnxFile(tmp_path / "net.onnx")
    with pytest.raises(PluginError, match="no such ONNX file"):
        OnnxFile(tmp_path / "absent.onnx")
