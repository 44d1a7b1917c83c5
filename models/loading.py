"""A saliency model by name, with its weights in."""

from models.checkpoint import load_into, locate, read_state
from models.registry import saliency_entry
from models.saliency_model import SaliencyModel


def load_model(name: str) -> SaliencyModel:
    """Return the registered network `name` with the weights of its checkpoint, ready to serve.

    Raises:
        UnknownModelError: no network of that name.
        CheckpointError: its weights are missing or do not fit.
    """
    entry = saliency_entry(name)
    model = SaliencyModel(entry)
    path = locate(entry.checkpoint)
    load_into(model.network, read_state(path), str(path))
    return model.eval()
