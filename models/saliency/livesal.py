"""livesal's default networks: colour saliency of frames, motion saliency of coded flow (Eq. (5)).

Both are `PyramidNetwork`s; the motion network is the colour network fine-tuned on coded, camera-compensated flow, and
its map is the mean of its side outputs. Recipe, data, terms and figures: `models/weights/MODEL_CARD.md`.
"""

from typing import Final

from torch import Tensor

from models.registry import SIGNED, Checkpoint, SaliencyEntry, register_saliency
from models.saliency.pyramid import PyramidNetwork

_SOURCE: Final = "livesal (Apache-2.0); encoder MobileNetV2, arXiv 1801.04381"
_TERMS: Final = "research and non-commercial: trained on DAVIS-2016 and DUTS among others (MODEL_CARD.md)"


def _sides(logits: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return logits


COLOUR: Final = register_saliency(
    SaliencyEntry(
        name="livesal-colour",
        build=PyramidNetwork,
        select=_sides,
        outputs="logits",
        normalisation=SIGNED,
        source=_SOURCE,
        checkpoint=Checkpoint(file="livesal-colour.safetensors", licence=_TERMS, ships=True),
    )
)
"""Colour saliency of an image."""

MOTION: Final = register_saliency(
    SaliencyEntry(
        name="livesal-motion",
        build=PyramidNetwork,
        select=_sides,
        outputs="logits",
        normalisation=SIGNED,
        reduction="mean",
        task="motion",
        source=_SOURCE,
        checkpoint=Checkpoint(file="livesal-motion.safetensors", licence=_TERMS, ships=True),
    )
)
"""Motion saliency of coded flow."""
