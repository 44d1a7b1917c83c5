"""What holds for every registered saliency network, whoever wrote it."""

import gc
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.registry import saliency_entry, saliency_names
from models.saliency_model import SaliencyModel
from tests.fakes.golden import manifest_of, read_manifest

UNTRAINED = {
    "poolnet_joint_vgg": ("block.", "fuse."),
    "poolnet_joint_resnet": ("block.", "fuse."),
    **dict.fromkeys(
        ("livesal-colour-espnetv2", "livesal-colour-espnetv2-small"),
        tuple(f"encoder.level{level}_0.eesp.module_act." for level in (2, 3, 4)),
    ),
}
"""Parameters that a saliency loss leaves alone, by design: PoolNet's edge branch, whose features enter detached, and
what ESPNetv2's public checkpoints hold without using it."""

MANIFESTS = (
    "cpd_resnet50",
    "cpd_vgg",
    "csnet_x1",
    "csnet_x2",
    "poolnet_joint_resnet",
    "poolnet_joint_vgg",
    "poolnet_resnet",
    "poolnet_vgg",
    "samnet",
    "u2net",
    "u2netp",
)


@pytest.fixture(scope="module", params=saliency_names())
def model(request: pytest.FixtureRequest) -> Iterator[SaliencyModel]:
    """Each network in turn, untrained, and small images left at their size; built once for all tests of it."""
    torch.manual_seed(0)
    yield SaliencyModel(replace(saliency_entry(request.param), size=None)).eval()
    gc.collect()


@pytest.fixture
def image() -> Tensor:
    """(1, 3, h, w) RGB in [0, 1]."""
    return torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))


def test_map_has_the_images_size_and_lies_between_0_and_1(model: SaliencyModel, image: Tensor) -> None:
    with torch.no_grad():
        saliency = model(image)
        again = model(image)
    assert saliency.shape == (1, 1, *image.shape[-2:])
    assert saliency.dtype == torch.float32
    assert torch.isfinite(saliency).all()
    assert saliency.min() >= 0
    assert saliency.max() <= 1
    assert torch.equal(saliency, again)


def test_a_step_down_the_gradient_reaches_every_parameter_and_lowers_the_loss(
    model: SaliencyModel, image: Tensor
) -> None:
    target = (torch.arange(image.shape[-1]) > image.shape[-1] // 2).float()

    def loss() -> Tensor:
        sides = [model.reduce([side], (image.shape[-2], image.shape[-1])) for side in model.entry.select(output())]
        return torch.stack([(side - target).square().mean() for side in sides]).sum()

    def output() -> object:
        return model.network(model.normalise(image))

    before = loss()
    trained = {name: value for name, value in model.network.named_parameters() if value.requires_grad}
    gradients = dict(zip(trained, torch.autograd.grad(before, list(trained.values()), allow_unused=True), strict=True))
    unreached = {name for name, gradient in gradients.items() if gradient is None or not gradient.any()}
    assert {name for name in unreached if not name.startswith(UNTRAINED.get(model.entry.name, ("-",)))} == set()
    reached = {name: gradient for name, gradient in gradients.items() if gradient is not None}
    squared = sum(float(gradient.square().sum()) for gradient in reached.values())
    with torch.no_grad():
        for name, gradient in reached.items():
            trained[name].sub_(gradient, alpha=1e-3 * float(before) / squared)
        after = loss()
    assert after < before


def test_entry_says_what_users_have_to_know(model: SaliencyModel) -> None:
    entry = model.entry
    assert entry.source
    assert entry.checkpoint.licence
    trained = "livesal train" in entry.checkpoint.licence  # by the user: there is no public file
    assert trained or entry.checkpoint.ships or entry.checkpoint.url.startswith("https://")
    assert entry.checkpoint.file


@pytest.mark.parametrize("name", MANIFESTS)
def test_keys_are_those_of_the_public_checkpoint_in_their_order(name: str) -> None:
    with torch.device("meta"):
        network = saliency_entry(name).build()
    assert list(manifest_of(network).items()) == list(read_manifest(name).items())
