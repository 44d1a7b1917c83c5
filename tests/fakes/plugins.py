"""Networks of users' own, as files."""

from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper

from models.checkpoint import save_state

PLUGIN = '''
"""Brightness times a learned gain."""

from torch import nn

from models.registry import IMAGENET, Checkpoint, SaliencyEntry


class Bright(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Conv2d(3, 1, 1)

    def forward(self, x):
        return (self.score(x),)


def build():
    return SaliencyEntry(
        name="bright",
        build=Bright,
        select=tuple,
        outputs="logits",
        normalisation=IMAGENET,
        source="a test",
        checkpoint=Checkpoint(file="bright.safetensors", licence="none"),
    )


def broken():
    return nn.Conv2d(3, 1, 1)


def failing():
    raise KeyError("gain")


nothing = 3
'''


def write_plugin(folder: Path) -> Path:
    """Write a network's file, and its weights beside it; return the file."""
    save_state({"score.weight": torch.ones(1, 3, 1, 1), "score.bias": torch.zeros(1)}, folder / "bright.safetensors")
    path = folder / "bright.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return path


def write_onnx(
    path: Path,
    shape: Sequence[int | str] = (1, 3, "h", "w"),
    kind: int = TensorProto.FLOAT,
    *,
    gain: float = 1.0,
    last: str = "Sigmoid",
) -> Path:
    """Write a graph whose map is `last` of `gain` times the mean channel; return its path."""
    image = helper.make_tensor_value_info("picture", kind, list(shape))
    saliency = helper.make_tensor_value_info("map", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("Cast", ["picture"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["real"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "gain"], ["logit"]),
        helper.make_node(last, ["logit"], ["map"]),
    ]
    constant = helper.make_tensor("gain", TensorProto.FLOAT, [], [gain])
    graph = helper.make_graph(nodes, "bright", [image], [saliency], [constant])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path
