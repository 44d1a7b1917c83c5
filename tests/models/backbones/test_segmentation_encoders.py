"""ESPNetv2 and DiCENet against their public checkpoints.

There is no reference output. But every batch normalisation remembers the mean that it saw in training: an encoder that
is built as it was then meets those means on photographs again, and one wrong connection spoils all that follow.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.backbones.dicenet import DiCENet
from models.backbones.encoder import PyramidEncoder
from models.backbones.espnetv2 import ESPNetV2
from models.backbones.mobilenetv2 import MobileNetV2
from models.registry import IMAGENET
from models.training.augmentation import resize
from models.training.samples import Sample, read_rgb

ENCODERS = {
    "espnetv2_s_1.0": lambda: ESPNetV2((32, 64, 128, 256)),
    "espnetv2_s_2.0": lambda: ESPNetV2((32, 128, 256, 512)),
    "dicenet_s_1.75": lambda: DiCENet((24, 210, 420)),
}


def photographs(shared: Path) -> Tensor:
    files = sorted((shared / "data" / "duts-tr-499" / "images").iterdir())[::60]
    nothing = np.zeros((1, 1), np.float32)
    pictures = np.stack([resize(Sample(read_rgb(file), nothing), (384, 384)).image for file in files])
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET.mean, IMAGENET.std))
    return (x - mean) / std


@pytest.mark.parametrize("name", ENCODERS)
def test_batch_statistics_are_those_of_the_training(name: str, shared: Path) -> None:
    encoder: PyramidEncoder = ENCODERS[name]()
    path = shared / "weights" / f"{name}_pascal_384x384.pth"
    encoder.load_public(torch.load(path, map_location="cpu", weights_only=True))
    agreement = {}

    def note(layer: str, module: nn.BatchNorm2d, x: Tensor) -> None:
        assert module.running_mean is not None
        agreement[layer] = float(torch.corrcoef(torch.stack([x.mean((0, 2, 3)), module.running_mean]))[0, 1])

    for layer, module in encoder.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(lambda module, x, layer=layer: note(layer, module, x[0]))
    with torch.inference_mode():
        features = encoder.eval()(photographs(shared))
    assert tuple(feature.shape[1] for feature in features) == encoder.channels
    assert [feature.shape[-1] for feature in features] == [192, 96, 48, 24]
    values = np.array(list(agreement.values()))
    assert np.median(values) > 0.95
    assert np.quantile(values, 0.1) > 0.7, "but the stem, which sees how bright these few pictures are"


@pytest.mark.parametrize("encoder", [ENCODERS["espnetv2_s_1.0"](), MobileNetV2()], ids=["espnetv2", "mobilenetv2"])
def test_another_networks_checkpoint_is_refused(encoder: PyramidEncoder) -> None:
    other = {f"base_net.{key}": value for key, value in ENCODERS["espnetv2_s_2.0"]().state_dict().items()}
    with pytest.raises(ValueError, match=r"another network's|expected at least|size mismatch"):
        encoder.load_public(other)
    with pytest.raises(ValueError, match=r"no segmentation checkpoint|expected at least"):
        encoder.load_public({"weight": torch.zeros(1)})
