"""RAS, version 1 of the authors' PyTorch release: reverse attention at five scales over ResNet-50.

Source: Chen et al., "Reverse Attention-Based Residual Network for Salient Object Detection", IEEE TIP 2020;
github.com/ShuhanChen/RAS-pytorch (no licence stated).
"""

from typing import Final

from torch import Tensor, nn

from models.backbones.resnet import CHANNELS, ResNet
from models.registry import IMAGENET, Checkpoint, SaliencyEntry, register_saliency
from models.saliency.reverse_attention import MultiScaleContext, ReverseAttention, refine


class RasV1(nn.Module):
    """RGB, ImageNet-normalised, to five logit maps of the image's size, finest first."""

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__()
        self.resnet = ResNet()
        self.mscm = MultiScaleContext(CHANNELS[4], normalised=False)
        self.ra1 = ReverseAttention(CHANNELS[0], normalised=False)
        self.ra2 = ReverseAttention(CHANNELS[1], normalised=False)
        self.ra3 = ReverseAttention(CHANNELS[2], normalised=False)
        self.ra4 = ReverseAttention(CHANNELS[3], normalised=False)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to five logit maps (N, 1, H, W)."""
        return refine(self.resnet(x), self.mscm, (self.ra1, self.ra2, self.ra3, self.ra4), x)


def _sides(logits: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return logits


RAS_V1: Final = register_saliency(
    SaliencyEntry(
        name="ras-v1",
        build=RasV1,
        select=_sides,
        outputs="logits",
        normalisation=IMAGENET,
        size=(352, 352),
        source="RAS, IEEE TIP 2020; github.com/ShuhanChen/RAS-pytorch (no licence stated)",
        checkpoint=Checkpoint(
            file="RAS.v1.pth",
            url="https://github.com/ShuhanChen/RAS-pytorch",
            licence="no licence stated: ask the authors; trained on DUTS",
        ),
    )
)
"""RAS on ResNet-50, version 1."""
