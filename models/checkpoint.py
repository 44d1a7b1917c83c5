"""Weights in and out: safetensors, strict keys, atomic writes; nothing is ever unpickled into code."""

import hashlib
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from models.errors import CheckpointError
from models.registry import Checkpoint

SHIPPED = Path(__file__).parent / "weights"
"""Where the weights that ship with livesal are."""


def weights_folder() -> Path:
    """Return the folder that users put downloaded weights into: `$LIVESAL_WEIGHTS`, else `~/.local/share/livesal`."""
    return Path(os.environ.get("LIVESAL_WEIGHTS", Path.home() / ".local" / "share" / "livesal")).expanduser()


def locate(checkpoint: Checkpoint) -> Path:
    """Return the path of a checkpoint's file, or of what `livesal convert` made of it.

    Raises:
        CheckpointError: neither is there; the message says what to download and where to put it.
    """
    path = (SHIPPED if checkpoint.ships else weights_folder()) / checkpoint.file
    for candidate in (path, converted(path)):
        if candidate.is_file():
            return candidate
    if checkpoint.ships:
        message = f"{path} is missing, though it ships with livesal: install livesal again"
    elif path == converted(path):
        message = (
            f"{path} is missing: get the public checkpoint from {checkpoint.url} ({checkpoint.licence}) "
            "and make this file of it with `livesal convert`"
        )
    else:
        message = f"{path} is missing: get it from {checkpoint.url} ({checkpoint.licence}) and put it there"
    raise CheckpointError(message)


def converted(path: Path) -> Path:
    """Return where the converted form of the weights file at `path` is: beside it, ending in .safetensors."""
    return path.with_suffix(".safetensors")


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a state dictionary from safetensors, or from a torch file by the weights-only reader.

    Half-precision weights become float32; a wrapping `state_dict` key and a `module.` prefix are taken off.

    Raises:
        CheckpointError: missing, truncated, no state dictionary, or it holds code.
    """
    try:
        content = load_file(path) if path.suffix == ".safetensors" else _read_torch(path)
    except FileNotFoundError:
        message = f"{path}: no such weights file"
        raise CheckpointError(message) from None
    except SafetensorError as error:
        message = f"{path}: is no intact safetensors file ({error}); download or copy it again"
        raise CheckpointError(message) from None
    state = content.get("state_dict", content)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        message = f"{path}: holds no state dictionary (names to tensors)"
        raise CheckpointError(message)
    weights = cast("Mapping[str, Tensor]", state)
    return {
        key.removeprefix("module."): value.float() if value.dtype == torch.float16 else value
        for key, value in weights.items()
    }


def load_into(network: nn.Module, state: Mapping[str, Tensor], origin: str) -> None:
    """Load `state` into `network`, strictly.

    Raises:
        CheckpointError: keys or shapes differ; the message names the first few and what to do.
    """
    check(network, state, origin)
    network.load_state_dict(dict(state))


def check(network: nn.Module, state: Mapping[str, Tensor], origin: str) -> None:
    """See whether `state` has the names and shapes of `network`, which may be without memory (the meta device).

    Raises:
        CheckpointError: keys or shapes differ; the message names the first few and what to do.
    """
    own = network.state_dict()
    missing = sorted(own.keys() - state.keys())
    unknown = sorted(state.keys() - own.keys())
    differing = [key for key in own if key in state and own[key].shape != state[key].shape]
    if missing or unknown or differing:
        parts = [
            f"{len(keys)} {what} ({', '.join(keys[:3])}{', …' if len(keys) > 3 else ''})"
            for keys, what in ((missing, "missing"), (unknown, "unknown"), (differing, "of another shape"))
            if keys
        ]
        message = f"{origin}: not the weights of this network: {'; '.join(parts)}. Is it another network's file?"
        raise CheckpointError(message)


def save_state(state: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a state dictionary as safetensors, atomically: a crash leaves the old file whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    separate = {key: value.detach().cpu().contiguous().clone() for key, value in state.items()}  # keys may share memory
    save_file(separate, partial, dict(metadata or {}))
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.replace(path)


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of the file at `path`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_torch(path: Path) -> dict[str, object]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        message = f"{path}: is no plain weights file: it is damaged or holds code, which livesal never runs"
        raise CheckpointError(message) from None
    except OSError:
        raise
    except Exception as error:  # whatever torch's reader stumbles over in a damaged file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"{path}: is truncated or no weights file ({reason}); download it again"
        raise CheckpointError(message) from error
    if not isinstance(content, Mapping):
        message = f"{path}: holds a {type(content).__name__}, not a state dictionary"
        raise CheckpointError(message)
    return dict(content)
