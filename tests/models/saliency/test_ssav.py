"""SSAV: shapes, the convolutional LSTM by hand, images as clips. There is no reference output for it."""

import math

import pytest
import torch

from models.registry import saliency_entry
from models.saliency.ssav import CLIP, ConvLstm, Ssav, _advance


@pytest.fixture(scope="module")
def network() -> Ssav:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return Ssav().eval()


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_one_step_of_the_lstm_by_hand() -> None:
    gates = torch.tensor([0.1, -0.2, 0.3, 0.4]).repeat_interleave(32).view(1, 128, 1, 1)
    cell = torch.full((1, 32, 1, 1), 0.5)
    hidden, new = _advance(gates, cell, torch.tensor([2.0, 3.0, -1.0]).view(3, 1, 1, 1))
    # Input, forget and output gate look at the cell as it was, 0.5; the content gate does not.
    expected = sigmoid(-0.2 + 3 * 0.5) * 0.5 + sigmoid(0.1 + 2 * 0.5) * math.tanh(0.4)
    assert torch.allclose(new, torch.tensor(expected))
    assert torch.allclose(hidden, torch.tensor(sigmoid(0.3 - 0.5) * math.tanh(expected)))


def test_backward_is_forward_on_the_reversed_clip() -> None:
    torch.manual_seed(0)
    layer = ConvLstm(dilation=2)
    frames = torch.randn(2, 4, 32, 5, 6)
    with torch.inference_mode():
        assert torch.equal(layer(frames, backward=True), layer(frames.flip(1)).flip(1))


def test_a_state_depends_on_what_came_before_and_on_nothing_later() -> None:
    torch.manual_seed(0)
    layer = ConvLstm(dilation=1)
    frames = torch.randn(1, 3, 32, 5, 6)
    changed = frames.clone()
    changed[:, 1] += 1
    with torch.inference_mode():
        before, after = layer(frames), layer(changed)
    assert torch.equal(before[:, 0], after[:, 0])
    assert not torch.allclose(before[:, 2], after[:, 2])


def test_an_image_is_a_clip_of_equal_frames(network: Ssav) -> None:
    images = torch.randn(2, 3, 48, 64)
    with torch.inference_mode():
        alone = network(images)
        clips = network(images.unsqueeze(1).expand(-1, CLIP, -1, -1, -1))
    for image_map, clip_map in zip(alone, clips, strict=True):
        assert image_map.shape == (2, 1, 48, 64)
        assert clip_map.shape == (2 * CLIP, 1, 48, 64)
        assert torch.allclose(image_map, clip_map[1::CLIP], atol=1e-5)


def test_features_of_the_release_are_60_by_60() -> None:
    with torch.device("meta"):
        network = Ssav()
        assert network._features(torch.empty(1, 3, 473, 473)).shape == (1, 32, 60, 60)


@pytest.mark.parametrize("size", [(32, 47), (160, 288), (300, 300), (473, 473)])
def test_maps_have_the_size_of_any_image(size: tuple[int, int]) -> None:
    entry = saliency_entry("ssav")
    with torch.device("meta"):
        maps = entry.select(entry.build()(torch.empty(1, 3, *size)))
    assert [tuple(side.shape) for side in maps] == [(1, 1, *size)]


def test_what_is_trained(network: Ssav) -> None:
    still = {key for key, parameter in network.named_parameters() if not parameter.requires_grad}
    assert still == {"conv8.weight", "conv8.bias"}
    assert not any("/bn" in key for key, _ in network.named_parameters())
