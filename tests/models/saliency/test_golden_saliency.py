"""Each network reproduces the outputs of its public reference implementation, given the same weights."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.checkpoint import load_into, read_state, sha256
from models.registry import IMAGENET, saliency_entry
from models.saliency.cpd import gaussian_kernel
from tests.fakes.golden import TOLERANCE, load_recipe, read_golden, recipe, relative_error, shared_folder

Named = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Case:
    """How a golden was made.

    Attributes:
        name: of the network, the manifest and the golden.
        outputs: from a network and its input to what the golden's arrays are called.
        gain: of the recipe.
        keep: keys that the recipe left as the constructor made them.
        inputs: sizes of the recipe's images that are not stored, by suffix.
        stride: at which outputs were stored, by suffix; 1 unless named.
    """

    name: str
    outputs: Callable[[Any, Tensor], Named]
    gain: float = 1.0
    keep: tuple[str, ...] = ()
    inputs: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    stride: Mapping[str, int] = field(default_factory=dict)


def cpd(network: Any, x: Tensor) -> Named:
    attention, detection = network(x)
    return {"att": attention, "det": detection}


def u2net(network: Any, x: Tensor) -> Named:
    return {f"d{index}": torch.sigmoid(logits) for index, logits in enumerate(network(x))}


def samnet(network: Any, x: Tensor) -> Named:
    return {"out": torch.cat(network(x), 1)}


def poolnet(network: Any, x: Tensor) -> Named:
    return {"sal": network(x)}


def poolnet_joint(network: Any, x: Tensor) -> Named:
    return {"sal": network(x), "edge": network.edges(x)}


GAUSSIAN = ("HA.gaussian_kernel",)
CASES = (
    Case("cpd_vgg", cpd, math.sqrt(2), GAUSSIAN, {"b": (352, 352)}, {"b": 4}),
    Case("cpd_resnet50", cpd, 1.0, GAUSSIAN, {"b": (352, 352)}, {"b": 4}),
    Case("u2net", u2net),
    Case("u2netp", u2net),
    Case("samnet", samnet),
    Case("poolnet_vgg", poolnet),
    Case("poolnet_resnet", poolnet),
    Case("poolnet_joint_vgg", poolnet_joint),
    Case("poolnet_joint_resnet", poolnet_joint),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_recipe_weights_give_the_reference_outputs(case: Case) -> None:
    network = saliency_entry(case.name).build()
    load_recipe(network, case.name, case.gain, case.keep)
    golden = read_golden(case.name)
    expected = {key: value for key, value in golden.items() if key.rpartition("_")[0] not in {"x", "HA_gaussian"}}
    inputs = inputs_of(golden, case.inputs)
    for suffix, x in inputs.items():
        stride = case.stride.get(suffix, 1)
        with torch.no_grad():
            outputs = case.outputs(network, x)
        for label, output in outputs.items():
            if f"{label}_{suffix}" in expected:
                reference = expected.pop(f"{label}_{suffix}")
                assert relative_error(output[..., ::stride, ::stride], reference) <= TOLERANCE, f"{label}_{suffix}"
    assert inputs
    assert not expected, "golden arrays that nothing was compared with"


@pytest.mark.parametrize("name", ["csnet_x1", "csnet_x2"])
def test_csnet_with_its_real_weights_gives_the_reference_outputs(name: str) -> None:
    entry = saliency_entry(name)
    network = entry.build()
    path = real_weights(entry.checkpoint.file)
    load_into(network, read_state(path), str(path))
    network.eval()
    golden = read_golden(name)
    expected = {key: value for key, value in golden.items() if key.startswith("logit_")}
    for suffix, x in inputs_of(golden, {"224_synth": (224, 224)}).items():
        with torch.no_grad():
            assert relative_error(network(x), expected.pop(f"logit_{suffix}")) <= TOLERANCE, suffix
    assert not expected, "golden arrays that nothing was compared with"


@pytest.mark.parametrize("name", ["csnet_x1", "csnet_x2"])
def test_csnet_checkpoints_are_the_ones_that_the_entry_names(name: str) -> None:
    checkpoint = saliency_entry(name).checkpoint
    assert sha256(real_weights(checkpoint.file)) == checkpoint.sha256


def test_cpd_starts_from_the_published_gaussian() -> None:
    expected = read_golden("cpd_vgg")["HA_gaussian_kernel"]
    assert relative_error(gaussian_kernel(31, 4.0)[None, None], expected) <= TOLERANCE


def inputs_of(golden: Mapping[str, NDArray[np.float32]], made: Mapping[str, tuple[int, int]]) -> dict[str, Tensor]:
    """Return a golden's inputs by suffix: those stored as `x_SUFFIX`, and the recipe's images of the sizes `made`."""
    mean, std = (np.asarray(values, np.float32).reshape(1, 3, 1, 1) for values in (IMAGENET.mean, IMAGENET.std))
    inputs = {key.removeprefix("x_"): torch.from_numpy(value) for key, value in golden.items() if key[:2] == "x_"}
    return inputs | {key: torch.from_numpy((recipe().image(*size) - mean) / std) for key, size in made.items()}


def real_weights(file: str) -> Path:
    path = shared_folder() / "weights" / "research-only" / file.split(".", 1)[0] / file
    assert path.is_file(), f"{path} is missing: get CSNet's checkpoint as `livesal models` says"
    return path
