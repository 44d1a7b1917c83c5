"""What networks there are, and whether their weights are at hand and intact."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from models.checkpoint import SHIPPED, check, locate, read_state, sha256, weights_folder
from models.errors import CheckpointError
from models.flow_network import read_flow_state
from models.registry import Checkpoint, SaliencyEntry, flow_entry, flow_names, saliency_entry, saliency_names

State = Literal["ready", "missing", "damaged", "none needed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkReport:
    """One network.

    Attributes:
        name: what users write.
        task: colour, motion or flow.
        parameters: trainable values; 0 for methods without.
        size: (h, w) that it always gets; None = follows the frame.
        adaptable: whether a twin of it can be retrained.
        source: paper, repository and licence of the architecture.
        licence: of the weights, with their terms.
        file: where the weights are, or are looked for; empty where none are needed.
        url: where they can be got; empty where they ship.
        state: of that file.
    """

    name: str
    task: str
    parameters: int
    size: tuple[int, int] | None
    adaptable: bool
    source: str
    licence: str
    file: str
    url: str
    state: State


def inventory() -> tuple[NetworkReport, ...]:
    """Return every saliency network, then every flow method, by name."""
    saliency = [_saliency_report(saliency_entry(name)) for name in saliency_names()]
    return (*saliency, *(_flow_report(name) for name in flow_names()))


def path_of(checkpoint: Checkpoint) -> str:
    """Return where a checkpoint's file, or its converted form, is; where neither is there, the place for it."""
    try:
        return str(locate(checkpoint))
    except CheckpointError:
        return str((SHIPPED if checkpoint.ships else weights_folder()) / checkpoint.file)


def _saliency_report(entry: SaliencyEntry) -> NetworkReport:
    network = _without_memory(entry.build)
    return NetworkReport(
        name=entry.name,
        task=entry.task,
        parameters=_parameters(network),
        size=entry.size,
        adaptable=entry.adaptable,
        source=entry.source,
        licence=entry.checkpoint.licence,
        file=path_of(entry.checkpoint),
        url=entry.checkpoint.url,
        state=_state(entry.checkpoint, network, read_state),
    )


def _flow_report(name: str) -> NetworkReport:
    entry = flow_entry(name)
    checkpoint = entry.checkpoint
    network = _without_memory(entry.network) if entry.network else nn.Module()
    return NetworkReport(
        name=name,
        task="flow",
        parameters=_parameters(network),
        size=None,
        adaptable=False,
        source=entry.source,
        licence=checkpoint.licence if checkpoint else "",
        file=path_of(checkpoint) if checkpoint else "",
        url=checkpoint.url if checkpoint else "",
        state=_state(checkpoint, network, read_flow_state) if checkpoint else "none needed",
    )


def _without_memory(build: Callable[[], nn.Module]) -> nn.Module:
    """Return a network that has names and shapes, but no values: it is there at once."""
    with torch.device("meta"):
        return build()


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _state(checkpoint: Checkpoint, network: nn.Module, read: Callable[[Path], Mapping[str, Tensor]]) -> State:
    """Say whether the file is there, intact and this network's; a converted file's checksum is not the public one's."""
    try:
        path = locate(checkpoint)
    except CheckpointError:
        return "missing"
    if checkpoint.sha256 is not None and path.name == checkpoint.file and sha256(path) != checkpoint.sha256:
        return "damaged"
    try:
        check(network, read(path), str(path))
    except CheckpointError:
        return "damaged"
    return "ready"
