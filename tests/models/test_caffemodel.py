"""Reading .caffemodel files: both generations of the format, every kind of layer, damage."""

import json
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch

from models.caffemodel import CaffeLayer, caffe_state, read_caffemodel
from models.errors import CheckpointError
from models.registry import saliency_entry
from tests.fakes.caffemodel import caffemodel, double_blob, layer_of
from tests.fakes.golden import read_manifest

KERNEL = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)
BIAS = np.array([0.5, -0.25], np.float32)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("old", [False, True])
def test_both_generations_of_the_format(tmp_path: Path, *, old: bool) -> None:
    layers = [("conv1", "Convolution", [KERNEL, BIAS]), ("up", "Deconvolution", [KERNEL])]
    path = write(tmp_path / "net.caffemodel", caffemodel(layers, old=old))
    state = caffe_state(read_caffemodel(path), "net")
    assert list(state) == ["conv1.weight", "conv1.bias", "up.weight"]
    assert torch.equal(state["conv1.weight"], torch.from_numpy(KERNEL))
    assert torch.equal(state["conv1.bias"], torch.from_numpy(BIAS))


def test_layers_without_weights_are_left_out(tmp_path: Path) -> None:
    layers = [("relu1", "ReLU", []), ("conv1", "Convolution", [KERNEL, BIAS])]
    path = write(tmp_path / "net.caffemodel", caffemodel(layers))
    assert [(layer.name, layer.type) for layer in read_caffemodel(path)] == [("conv1", "Convolution")]


def test_doubles_in_several_chunks(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 6).reshape(1, 6, 1, 1)
    path = write(tmp_path / "net.caffemodel", layer_of("conv1", "Convolution", [double_blob(values)]))
    assert np.allclose(read_caffemodel(path)[0].blobs[0], values, atol=1e-7)


def test_batch_norm_is_divided_by_its_factor() -> None:
    blobs = (np.array([2, 4], np.float32), np.array([8, 16], np.float32), np.array([2], np.float32))
    state = caffe_state([CaffeLayer("bn1", "BatchNorm", blobs)], "net")
    assert state["bn1.running_mean"].tolist() == [1, 2]
    assert state["bn1.running_var"].tolist() == [4, 8]


def test_batch_norm_that_never_ran_is_zero() -> None:
    blobs = (np.array([2, 4], np.float32), np.array([8, 16], np.float32), np.array([0], np.float32))
    state = caffe_state([CaffeLayer("bn1", "BatchNorm", blobs)], "net")
    assert state["bn1.running_mean"].tolist() == [0, 0]
    assert state["bn1.running_var"].tolist() == [0, 0]


def test_four_blobs_of_pspnet_norm_and_two_of_scale() -> None:
    one, two, three, four = (np.full((1, 2, 1, 1), value, np.float32) for value in (1, 2, 3, 4))
    state = caffe_state(
        [CaffeLayer("a/bn", "BN", (one, two, three, four)), CaffeLayer("s", "Scale", (one, two))], "net"
    )
    assert {key: value.tolist() for key, value in state.items()} == {
        "a/bn.weight": [1, 1],
        "a/bn.bias": [2, 2],
        "a/bn.running_mean": [3, 3],
        "a/bn.running_var": [4, 4],
        "s.gamma": [1, 1],
        "s.beta": [2, 2],
    }


def layers_with(keys: list[str]) -> list[CaffeLayer]:
    """Return the layers, of single values, that a file with these keys has in it."""
    layers = []
    for name, group in groupby(keys, lambda key: key.split(".", 1)[0]):
        parameters = {key.split(".", 1)[1] for key in group}
        if "peephole_input" in parameters:
            kind, count = "ConvLSTM", 6
        elif parameters == {"weight", "bias", "running_mean", "running_var"}:
            kind, count = "BN", 4
        elif "running_mean" in parameters:
            kind, count = "BatchNorm", 3
        elif "gamma" in parameters:
            kind, count = "Scale", 2
        else:
            kind, count = "Convolution", len(parameters)
        layers.append(CaffeLayer(name, kind, (np.ones(1, np.float32),) * count))
    return layers


@pytest.mark.parametrize("manifest", ["ras_eccv18_caffe", "dss_caffe", "resdss_caffe", "radf_caffe"])
def test_keys_of_the_public_networks(manifest: str) -> None:
    keys = list(read_manifest(manifest))
    assert set(caffe_state(layers_with(keys), manifest)) == set(keys)


def test_keys_of_ssav() -> None:
    with torch.device("meta"):
        keys = list(saliency_entry("ssav").build().state_dict())
    by_layer = sorted(keys, key=lambda key: key.split(".", 1)[0])
    assert set(caffe_state(layers_with(by_layer), "ssav")) == set(keys)


def test_truncated_file(tmp_path: Path) -> None:
    whole = caffemodel([("conv1", "Convolution", [KERNEL, BIAS])])
    path = write(tmp_path / "net.caffemodel", whole[:-7])
    with pytest.raises(CheckpointError, match=r"net\.caffemodel: is truncated"):
        read_caffemodel(path)


def test_shape_and_values_disagree(tmp_path: Path) -> None:
    shape_of_six, values_of_two = b"\x3a\x03\x0a\x01\x06", b"\x2a\x08" + bytes(8)
    path = write(tmp_path / "net.caffemodel", layer_of("conv1", "Convolution", [shape_of_six + values_of_two]))
    with pytest.raises(CheckpointError, match=r"layer 'conv1' is damaged"):
        read_caffemodel(path)


@pytest.mark.parametrize("content", [b"", json.dumps({"a": 1}).encode(), b"name: 'net'\nlayer { name: 'conv1' }"])
def test_what_is_no_caffemodel(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "net.caffemodel", content)
    with pytest.raises(CheckpointError, match=r"net\.caffemodel: (is truncated or no \.caffemodel|holds no weights)"):
        read_caffemodel(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.caffemodel: cannot be read"):
        read_caffemodel(tmp_path / "none.caffemodel")


def test_layer_of_an_unknown_kind() -> None:
    with pytest.raises(CheckpointError, match="layer 'fc6' is of type InnerProduct, whose weights no network here has"):
        caffe_state([CaffeLayer("fc6", "InnerProduct", (KERNEL,))], "net")


def test_old_layer_of_an_unknown_number(tmp_path: Path) -> None:
    layer = b"\x22\x03fc8\x28\x63\x32\x0b\x2a\x04" + bytes(4) + b"\x3a\x03\x0a\x01\x01"
    path = write(tmp_path / "net.caffemodel", b"\x12" + bytes([len(layer)]) + layer)
    with pytest.raises(CheckpointError, match="layer 'fc8' is of type number 99"):
        caffe_state(read_caffemodel(path), "net")


def test_layer_with_too_few_blobs() -> None:
    with pytest.raises(CheckpointError, match=r"layer 'bn1' \(BatchNorm\) has 2 blobs"):
        caffe_state([CaffeLayer("bn1", "BatchNorm", (BIAS, BIAS))], "net")
