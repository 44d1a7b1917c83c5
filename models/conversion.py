"""Public checkpoints into livesal's own format: strict about the network, never running what a file says."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from models.caffemodel import caffe_state, read_caffemodel
from models.checkpoint import converted, load_into, read_state, save_state, sha256, weights_folder
from models.errors import CheckpointError
from models.registry import SaliencyEntry, saliency_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What a conversion did.

    Attributes:
        arch: registered name of the network.
        output: the safetensors file that was written.
        tensors: how many it holds.
        values: numbers in them.
        sha256: of the file that was converted.
    """

    arch: str
    output: Path
    tensors: int
    values: int
    sha256: str


def convert(model: Path, arch: str, output: Path | None = None) -> Conversion:
    """Convert a .caffemodel, a PyTorch state dictionary or a safetensors file to safetensors.

    Args:
        model: the file; its ending says what it is.
        arch: registered name of the network; `-` and `_` may stand for each other.
        output: where to write; by default where livesal looks for this network's weights.

    Raises:
        UnknownModelError: no network has that name.
        CheckpointError: the file is damaged, holds code, or is not this network's; or the output's ending is wrong.
    """
    entry = saliency_entry(arch)
    target = default_output(entry) if output is None else output
    if target.suffix != ".safetensors":
        message = f"{target}: weights are written as safetensors; let the output end in .safetensors"
        raise CheckpointError(message)
    state = _read(model)
    load_into(entry.build(), state, str(model))
    digest = sha256(model)
    save_state(state, target, {"arch": entry.name, "source": model.name, "sha256": digest})
    values = sum(value.numel() for value in state.values())
    return Conversion(arch=entry.name, output=target, tensors=len(state), values=values, sha256=digest)


def default_output(entry: SaliencyEntry) -> Path:
    """Return the file in the weights folder that a network's converted weights go to."""
    return converted(weights_folder() / entry.checkpoint.file)


def _read(model: Path) -> dict[str, Tensor]:
    if model.suffix == ".caffemodel":
        return caffe_state(read_caffemodel(model), str(model))
    return read_state(model)
