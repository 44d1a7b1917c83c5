"""What networks there are, and whether their weights are at hand and intact."""

from dataclasses import dataclass
from typing import Literal

import torch

from models.checkpoint import SHIPPED, load_into, read_state, sha256, weights_folder
from models.errors import CheckpointError
from models.registry import Checkpoint, SaliencyEntry, flow_entry, flow_names, saliency_entry, saliency_names

State = Literal["ready", "missing", "damaged", "none needed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkReport:
    """One network.

    Attributes:
        name: what users write.
        task: colour, motion or flow.
        parameters: trainable values; 0 for methods without.
        size: (h, w) that it was made for; None = follows the frame.
        adaptable: whether a twin of it can be retrained.
        source: paper, repository and licence of the architecture.
        licence: of the weights, with their terms.
        file: where the weights are looked for; empty where none are needed.
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
    """Return where a checkpoint's file is looked for."""
    return str((SHIPPED if checkpoint.ships else weights_folder()) / checkpoint.file)


def _saliency_report(entry: SaliencyEntry) -> NetworkReport:
    with torch.device("meta"):
        network = entry.build()
    return NetworkReport(
        name=entry.name,
        task=entry.task,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        size=entry.size,
        adaptable=entry.adaptable,
        source=entry.source,
        licence=entry.checkpoint.licence,
        file=path_of(entry.checkpoint),
        url=entry.checkpoint.url,
        state=_state(entry.checkpoint, entry),
    )


def _flow_report(name: str) -> NetworkReport:
    entry = flow_entry(name)
    checkpoint = entry.checkpoint
    return NetworkReport(
        name=name,
        task="flow",
        parameters=0,
        size=None,
        adaptable=False,
        source=entry.source,
        licence=checkpoint.licence if checkpoint else "",
        file=path_of(checkpoint) if checkpoint else "",
        url=checkpoint.url if checkpoint else "",
        state=_state(checkpoint, None) if checkpoint else "none needed",
    )


def _state(checkpoint: Checkpoint, entry: SaliencyEntry | None) -> State:
    """Say whether the file is there and, as far as its form and checksum tell, intact."""
    path = (SHIPPED if checkpoint.ships else weights_folder()) / checkpoint.file
    if not path.is_file():
        return "missing"
    if checkpoint.sha256 is not None:
        return "ready" if sha256(path) == checkpoint.sha256 else "damaged"
    try:
        state = read_state(path)
        if entry is not None:
            load_into(entry.build(), state, str(path))
    except CheckpointError:
        return "damaged"
    return "ready"
