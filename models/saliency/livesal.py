"""livesal's own networks: colour saliency of frames, motion saliency of flow and luminance (Eq. (5)).

All are `PyramidNetwork`s. The default pair is small enough for two CPU cores; the base pair is the same network trained
and served at a larger size (`configs/base-networks.yaml`). The motion networks are the colour networks fine-tuned, and
their map is the mean of their side outputs. Recipes, data, terms and figures: `models/weights/MODEL_CARD.md`. Networks
with other encoders are there to be trained: `docs/models.md` compares them.
"""

from collections.abc import Callable
from typing import Final

from torch import Tensor

from models.backbones.dicenet import DiCENet
from models.backbones.encoder import PyramidEncoder
from models.backbones.espnetv2 import ESPNetV2
from models.backbones.mobilenetv2 import MobileNetV2
from models.registry import IMAGENET, SIGNED, Checkpoint, Normalisation, SaliencyEntry, register_saliency
from models.saliency.pyramid import PyramidNetwork

_TERMS: Final = "research and non-commercial: trained on DAVIS-2016 and DUTS among others (MODEL_CARD.md)"
_MOBILENET: Final = "encoder MobileNetV2, arXiv 1801.04381"


def _sides(logits: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return logits


def _register(
    name: str,
    encoder: Callable[[], PyramidEncoder],
    normalisation: Normalisation,
    source: str,
    *,
    ships: bool,
    closer: str | None = None,
) -> SaliencyEntry:
    motion = name.startswith("livesal-motion")
    terms = _TERMS if ships else "yours: train it by `livesal train` (docs/models.md)"
    return register_saliency(
        SaliencyEntry(
            name=name,
            build=lambda: PyramidNetwork(encoder()),
            select=_sides,
            outputs="logits",
            normalisation=normalisation,
            reduction="mean" if motion else "first",
            task="motion" if motion else "colour",
            source=f"livesal (Apache-2.0); {source}",
            checkpoint=Checkpoint(file=f"{name}.safetensors", licence=terms, ships=ships),
            closer=closer,
        )
    )


COLOUR: Final = _register("livesal-colour", MobileNetV2, SIGNED, _MOBILENET, ships=True, closer="livesal-colour-base")
"""Colour saliency of an image."""

MOTION: Final = _register("livesal-motion", MobileNetV2, SIGNED, _MOBILENET, ships=True, closer="livesal-motion-base")
"""Motion saliency of flow and luminance."""

COLOUR_BASE: Final = _register("livesal-colour-base", MobileNetV2, SIGNED, _MOBILENET, ships=True)
"""Colour saliency at 320 x 576, for a GPU or a patient CPU."""

MOTION_BASE: Final = _register("livesal-motion-base", MobileNetV2, SIGNED, _MOBILENET, ships=True)
"""Motion saliency at 320 x 576."""

_register(
    "livesal-colour-espnetv2",
    lambda: ESPNetV2((32, 128, 256, 512)),
    IMAGENET,
    "encoder ESPNetv2 (s = 2.0), arXiv 1811.11431",
    ships=False,
)
_register(
    "livesal-colour-espnetv2-small",
    lambda: ESPNetV2((32, 64, 128, 256)),
    IMAGENET,
    "encoder ESPNetv2 (s = 1.0), arXiv 1811.11431",
    ships=False,
)
_register(
    "livesal-colour-dicenet",
    lambda: DiCENet((24, 210, 420)),
    IMAGENET,
    "encoder DiCENet (s = 1.75), arXiv 1906.03516",
    ships=False,
)
