"""What a pyramid decoder needs of its encoder."""

from collections.abc import Mapping
from typing import Final

from torch import Tensor, nn

SEGMENTATION_PREFIX: Final = "base_net."
"""What the encoder is called in the public segmentation checkpoints of EdgeNets."""


class PyramidEncoder(nn.Module):
    """Maps (N, 3, H, W) to features of (N, channels[i], H / 2**(i + 1), W / 2**(i + 1)), finest first.

    Attributes:
        channels: of its levels, finest first.
    """

    channels: tuple[int, ...]

    def load_public(self, content: object) -> None:
        """Copy the weights of a public checkpoint.

        Raises:
            ValueError: it is another network's.
        """
        raise NotImplementedError


def encoder_part(content: object) -> dict[str, Tensor]:
    """Return the encoder's share of a segmentation checkpoint, by the encoder's own names.

    Raises:
        ValueError: there is none.
    """
    entries = content.items() if isinstance(content, Mapping) else ()
    part = {
        key.removeprefix(SEGMENTATION_PREFIX): value for key, value in entries if key.startswith(SEGMENTATION_PREFIX)
    }
    if not part:
        message = f"is no segmentation checkpoint: no key starts with '{SEGMENTATION_PREFIX}'"
        raise ValueError(message)
    return part
