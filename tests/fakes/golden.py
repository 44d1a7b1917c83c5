"""Reference networks' outputs under a weight recipe: what an independent implementation must reproduce.

`../shared/reference` (or `$LIVESAL_SHARED/reference`) holds, for each public checkpoint, its keys and shapes
(`manifests/NAME.json`), inputs and outputs (`golden/NAME.npz`, explained by `golden/NAME.md`) and the recipe that makes
the weights (`recipe.py`).
"""

import importlib.util
import json
import math
import os
from collections.abc import Collection
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.checkpoint import load_into

TOLERANCE = 1e-4
"""Largest difference that passes, as a share of the expected output's range."""


def shared_folder() -> Path:
    """Return the folder of the reference material.

    Raises:
        FileNotFoundError: it is not there; the message says how to point to it.
    """
    folder = Path(os.environ.get("LIVESAL_SHARED", Path(__file__).parents[2] / "../shared")).resolve()
    if not (folder / "reference").is_dir():
        message = f"{folder} holds no reference/: set LIVESAL_SHARED to the folder of the reference material"
        raise FileNotFoundError(message)
    return folder


def read_manifest(name: str) -> dict[str, tuple[int, ...]]:
    """Return the state-dict keys of a public checkpoint and their shapes, in order."""
    text = (shared_folder() / "reference" / "manifests" / f"{name}.json").read_text(encoding="utf-8")
    return {key: tuple(shape) for key, shape in json.loads(text).items()}


def manifest_of(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return a network's own state-dict keys and their shapes, in order."""
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def read_golden(name: str) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a golden file by name: inputs and expected outputs."""
    with np.load(shared_folder() / "reference" / "golden" / f"{name}.npz", allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def load_recipe(
    network: nn.Module, name: str, gain: float = math.sqrt(2.0), keep: Collection[str] = ()
) -> dict[str, Tensor]:
    """Load the recipe's weights for manifest `name` into `network`, strictly, put it into `eval`, return the weights.

    Args:
        network: takes the weights in place.
        name: of the manifest.
        gain: of the recipe for kernels; the golden's `.md` names it where it is not sqrt(2).
        keep: keys that stay as the constructor made them.

    Raises:
        CheckpointError: the network's keys or shapes are not those of the manifest.
    """
    made = recipe().make_state(read_manifest(name), gain, keep)
    state = {key: torch.from_numpy(np.asarray(value)) for key, value in made.items()}
    own = network.state_dict()
    state.update({key: own[key] for key in keep})
    load_into(network, state, f"recipe of {name}")
    network.eval()
    return state


def relative_error(actual: Tensor, expected: NDArray[np.float32]) -> float:
    """Return the largest absolute difference over the range of `expected`; shapes must agree."""
    assert tuple(actual.shape) == expected.shape, f"shape {tuple(actual.shape)}, expected {expected.shape}"
    difference = np.abs(actual.detach().cpu().numpy().astype(np.float64) - expected).max()
    return float(difference / (expected.max() - expected.min()))


@cache
def recipe() -> ModuleType:
    """Return the recipe, loaded from where it lives: `make_state`, `image(h, w)`, `image_pair(h, w)`."""
    path = shared_folder() / "reference" / "recipe.py"
    spec = importlib.util.spec_from_file_location("livesal_reference_recipe", path)
    if spec is None or spec.loader is None:
        message = f"{path} cannot be imported"
        raise ImportError(message)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
