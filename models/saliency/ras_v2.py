"""RAS, version 2 of the authors' PyTorch release: reverse attention at four scales over ResNet-50, normalised blocks.

Source: Chen et al., "Reverse Attention-Based Residual Network for Salient Object Detection", IEEE TIP 2020;
github.com/ShuhanChen/RAS-pytorch (no licence stated).
"""

from typing import Final

from torch import Tensor, nn

from models.backbones.resnet import CHANNELS, ResNet
from models.registry import Checkpoint, Normalisation, SaliencyEntry, register_saliency
from models.saliency.reverse_attention import MultiScaleContext, ReverseAttention, refine

_DUTS: Final = Normalisation(mean=(124.55, 118.90, 102.94), std=(56.77, 55.97, 57.50), scale=255.0)


class RasV2(nn.Module):
    """RGB, normalised by the statistics of DUTS, to four logit maps of the image's size, finest first."""

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__()
        self.bkbone = ResNet()
        self.mscm = MultiScaleContext(CHANNELS[4], normalised=True)
        self.ra2 = ReverseAttention(CHANNELS[1], normalised=True)
        self.ra3 = ReverseAttention(CHANNELS[2], normalised=True)
        self.ra4 = ReverseAttention(CHANNELS[3], normalised=True)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to four logit maps (N, 1, H, W)."""
        return refine(self.bkbone(x)[1:], self.mscm, (self.ra2, self.ra3, self.ra4), x)


def _sides(logits: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return logits


RAS_V2: Final = register_saliency(
    SaliencyEntry(
        name="ras-v2",
        build=RasV2,
        select=_sides,
        outputs="logits",
        normalisation=_DUTS,
        size=(352, 352),
        source="RAS, IEEE TIP 2020; github.com/ShuhanChen/RAS-pytorch (no licence stated)",
        checkpoint=Checkpoint(
            file="RAS.v2.pth",
            url="https://github.com/ShuhanChen/RAS-pytorch",
            licence="no licence stated: ask the authors; trained on DUTS",
        ),
    )
)
"""RAS on ResNet-50, version 2."""
