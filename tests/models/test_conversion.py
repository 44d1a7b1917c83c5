"""Conversion of public checkpoints: round trips, and everything that must be refused."""

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional

from models import registry
from models.caffe_layers import FrozenBatchNorm, FrozenScale, enlargement
from models.checkpoint import load_into, locate, read_state, sha256
from models.conversion import convert, default_output
from models.errors import CheckpointError, UnknownModelError
from models.registry import CAFFE, Checkpoint, SaliencyEntry, saliency_entry
from tests.fakes.caffemodel import caffemodel


class TinyCaffe(nn.Module):
    """A convolution, frozen normalisation, and an enlargement, under Caffe's names."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module("conv1-x", nn.Conv2d(3, 2, 3, 2, 1))
        self.bn_1 = FrozenBatchNorm(2)
        self.scale_1 = FrozenScale(2)
        self.score = nn.Conv2d(2, 1, 1, bias=False)
        self.up = enlargement(2)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.scale_1.after(self.bn_1, self.get_submodule("conv1-x")(x))
        return (self.up(self.score(functional.relu(x)))[..., 1:-1, 1:-1],)


def first(maps: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return maps


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SaliencyEntry:
    """A small network among the registered ones, and a weights folder of this test."""
    entry = SaliencyEntry(
        name="tiny-caffe",
        build=TinyCaffe,
        select=first,
        outputs="logits",
        normalisation=CAFFE,
        source="this test",
        checkpoint=Checkpoint(file="tiny-caffe.safetensors", url="https://example.org", licence="none"),
    )
    registry.saliency_names()
    monkeypatch.setitem(registry._saliency, entry.name, entry)
    monkeypatch.setenv("LIVESAL_WEIGHTS", str(tmp_path / "weights"))
    return entry


def tiny_layers() -> list[tuple[str, str, list[np.ndarray[Any, np.dtype[np.float32]]]]]:
    rng = np.random.default_rng(3)

    def random(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        return rng.standard_normal(shape).astype(np.float32)

    return [
        ("conv1-x", "Convolution", [random(2, 3, 3, 3), random(2)]),
        ("bn_1", "BatchNorm", [random(2), np.abs(random(2)) + 1, np.array([4], np.float32)]),
        ("scale_1", "Scale", [random(2), random(2)]),
        ("score", "Convolution", [random(1, 2, 1, 1)]),
        ("up", "Deconvolution", [np.full((1, 1, 4, 4), 0.25, np.float32), np.zeros(1, np.float32)]),
    ]


def test_caffemodel_round_trip(tmp_path: Path, tiny: SaliencyEntry) -> None:
    layers = tiny_layers()
    model = tmp_path / "public.caffemodel"
    model.write_bytes(caffemodel(layers))
    done = convert(model, "tiny_caffe")
    assert done.output == tmp_path / "weights" / "tiny-caffe.safetensors"
    assert (done.arch, done.tensors, done.values, done.sha256) == ("tiny-caffe", 9, 83, sha256(model))
    assert locate(tiny.checkpoint) == done.output
    with safe_open(done.output, "pt") as file:
        assert file.metadata() == {"arch": "tiny-caffe", "source": "public.caffemodel", "sha256": done.sha256}
    network = TinyCaffe()
    load_into(network, read_state(done.output), "converted")
    x = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        actual = network(x)[0]
    blobs = {name: [torch.from_numpy(blob) for blob in values] for name, _, values in layers}
    weight, bias = blobs["conv1-x"]
    mean, variance, factor = blobs["bn_1"]
    gamma, beta = (value.view(1, 2, 1, 1) for value in blobs["scale_1"])
    y = functional.conv2d(x, weight, bias, stride=2, padding=1)
    y = (y - (mean / factor).view(1, 2, 1, 1)) / torch.sqrt((variance / factor).view(1, 2, 1, 1) + 1e-5)
    y = functional.conv2d(functional.relu(y * gamma + beta), blobs["score"][0])
    expected = functional.conv_transpose2d(y, blobs["up"][0], stride=2)[..., 1:-1, 1:-1]
    assert torch.allclose(actual, expected, atol=1e-6)


def test_torch_round_trip(tmp_path: Path) -> None:
    network = TinyCaffe()
    model = tmp_path / "public.pth"
    torch.save({"state_dict": {f"module.{key}": value for key, value in network.state_dict().items()}}, model)
    done = convert(model, "tiny-caffe", tmp_path / "out.safetensors")
    state = read_state(done.output)
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())


def test_converted_torch_file_is_found_where_the_public_one_would_be() -> None:
    entry = saliency_entry("ras-v1")
    output = default_output(entry)
    output.parent.mkdir()
    output.write_bytes(b"")
    assert locate(entry.checkpoint) == output


def test_missing_caffe_weights_say_that_they_are_to_be_converted(tiny: SaliencyEntry) -> None:
    with pytest.raises(CheckpointError, match=r"public checkpoint from https://example\.org .*`livesal convert`"):
        locate(tiny.checkpoint)


def test_truncated_caffemodel(tmp_path: Path) -> None:
    model = tmp_path / "public.caffemodel"
    model.write_bytes(caffemodel(tiny_layers())[:-20])
    with pytest.raises(CheckpointError, match="is truncated"):
        convert(model, "tiny-caffe")
    assert not (tmp_path / "weights").exists()


def test_caffemodel_cut_between_two_layers(tmp_path: Path) -> None:
    model = tmp_path / "public.caffemodel"
    model.write_bytes(caffemodel(tiny_layers()[:-1]))
    with pytest.raises(CheckpointError, match=r"not the weights of this network: 2 missing \(up\.bias, up\.weight\)"):
        convert(model, "tiny-caffe")


def test_weights_of_another_network(tmp_path: Path) -> None:
    layers = tiny_layers()
    layers[3] = ("score", "Convolution", [np.ones((1, 5, 1, 1), np.float32)])
    model = tmp_path / "public.caffemodel"
    model.write_bytes(caffemodel([*layers, ("fc", "Convolution", [np.ones((1, 1, 1, 1), np.float32)])]))
    with pytest.raises(
        CheckpointError, match=r"1 unknown \(fc\.weight\); 1 of another shape \(score\.weight\)\. Is it another"
    ):
        convert(model, "tiny-caffe")


def test_truncated_torch_file(tmp_path: Path) -> None:
    whole, model = tmp_path / "whole.pth", tmp_path / "public.pth"
    torch.save(TinyCaffe().state_dict(), whole)
    model.write_bytes(whole.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="truncated or no weights file"):
        convert(model, "tiny-caffe")


class Payload:
    """Unpickling this would delete the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return shutil.rmtree, (str(self.folder),)


@pytest.mark.parametrize("by_torch", [False, True])
def test_pickle_with_code_is_refused_and_nothing_runs(tmp_path: Path, *, by_torch: bool) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    model = tmp_path / "public.pth"
    if by_torch:
        torch.save({"conv1.weight": Payload(victim)}, model)
    else:
        model.write_bytes(pickle.dumps({"conv1.weight": Payload(victim)}, protocol=2))
    with pytest.raises(CheckpointError, match="holds code, which livesal never runs"):
        convert(model, "tiny-caffe")
    assert victim.is_dir()


def test_unknown_network(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"no saliency network is named 'tiny_caffy'; there are: .*tiny-caffe"):
        convert(tmp_path / "public.caffemodel", "tiny_caffy")


def test_output_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"out\.pth: weights are written as safetensors"):
        convert(tmp_path / "public.caffemodel", "tiny-caffe", tmp_path / "out.pth")
