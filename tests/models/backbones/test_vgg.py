"""VGG-16 under its three key layouts is one network."""

import torch
from torch import nn
from torch.nn import functional

from models.backbones.vgg import CHANNELS, STAGE_ENDS, FlatVGG16, named_stage, numbered_layers, run_numbered
from tests.fakes.golden import read_manifest


def test_numbered_keys_are_torchvisions() -> None:
    with torch.device("meta"):
        layers = numbered_layers(lambda _: nn.MaxPool2d(2))
    keys = [key.removeprefix("base.vgg16.base.") for key in read_manifest("poolnet_vgg") if "vgg16" in key]
    assert list(layers.state_dict()) == keys
    assert all(isinstance(layers[end], nn.ReLU) for end in STAGE_ENDS)


def test_flat_keys_are_caffes() -> None:
    with torch.device("meta"):
        flat = FlatVGG16()
    assert list(flat.state_dict()) == list(read_manifest("ras_eccv18_caffe"))[:26]


def test_the_three_layouts_compute_the_same() -> None:
    torch.manual_seed(0)
    numbered = numbered_layers(lambda _: nn.MaxPool2d(2))
    named = [named_stage(stage, nn.MaxPool2d(2) if stage > 1 else None, "_1") for stage in range(1, 6)]
    flat = FlatVGG16()
    values = list(numbered.state_dict().values())
    flat.load_state_dict(dict(zip(flat.state_dict(), values, strict=True)))
    keys = [(stage, key) for stage in named for key in stage.state_dict()]
    for (stage, key), value in zip(keys, values, strict=True):
        stage.get_parameter(key).data = value
    x = torch.rand(1, 3, 32, 48)
    with torch.no_grad():
        expected = run_numbered(numbered, x)
        staged = [x]
        for stage in named:
            staged.append(stage(staged[-1]))
        for level, (one, other, third) in enumerate(
            zip(
                expected,
                flat.stages(x, lambda features, _: functional.max_pool2d(features, 2)),
                staged[1:],
                strict=True,
            )
        ):
            assert one.shape == (1, CHANNELS[level], 32 >> level, 48 >> level)
            assert torch.equal(one, other)
            assert torch.equal(one, third)
