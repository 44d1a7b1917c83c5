"""What a pyramid decoder needs of its encoder."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final

from torch import Tensor, nn

_PREFIX: Final = "base_net."
"""What the encoder is called in the public segmentation checkpoints of EdgeNets."""


class PyramidEncoder(nn.Module, ABC):
    """Maps (N, 3, H, W) to features of (N, channels[i], H / 2**(i + 1), W / 2**(i + 1)), finest first.

    Attributes:
        channels: of its levels, finest first.
    """

    channels: tuple[int, ...]

    @abstractmethod
    def load_public(self, content: object) -> None:
        """Copy the weights of a public checkpoint.

        Raises:
            ValueError: it is another network's.
        """


class SegmentationEncoder(PyramidEncoder):
    """An encoder whose public weights are part of a segmentation network's."""

    def load_public(self, content: object) -> None:
        """Copy the encoder out of a public segmentation checkpoint.

        Raises:
            ValueError: it is another network's.
        """
        try:
            self.load_state_dict(_encoder_part(content))
        except RuntimeError as error:
            message = f"is another network's: {str(error).splitlines()[-1].strip()}"
            raise ValueError(message) from None


def _encoder_part(content: object) -> dict[str, Tensor]:
    """Return the encoder's share of a segmentation checkpoint, by the encoder's own names.

    Raises:
        ValueError: there is none.
    """
    entries = content.items() if isinstance(content, Mapping) else ()
    part = {key.removeprefix(_PREFIX): value for key, value in entries if key.startswith(_PREFIX)}
    if not part:
        message = f"is no segmentation checkpoint: no key starts with '{_PREFIX}'"
        raise ValueError(message)
    return part
