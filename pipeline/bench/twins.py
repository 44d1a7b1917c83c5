"""A twin to measure with: as the child would have retrained it."""

from collections.abc import Mapping

from torch import Tensor

from models.saliency_model import SaliencyModel


def twin_of(model: SaliencyModel) -> Mapping[str, Tensor]:
    """Return the weights that a round of the default scope retrains: the decoder's, or all of a network without one."""
    state = model.network.state_dict()
    return {name: value for name, value in state.items() if name.startswith("decoder.") or not model.splits}
