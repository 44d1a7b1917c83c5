from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from models.engine import serve
from models.registry import IMAGENET, Checkpoint, SaliencyEntry
from models.saliency_model import SaliencyModel

SIZE = (40, 56)


class Brightness(nn.Module):
    """A network that remembers the size of what it got."""

    def __init__(self) -> None:
        super().__init__()
        self.score = nn.Conv2d(3, 1, 1)
        self.got: tuple[int, ...] = ()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        self.got = tuple(x.shape)
        return (self.score(x),)


def entry(size: tuple[int, int] | None = None, multiple: int = 1, minimum: int = 1) -> SaliencyEntry:
    return SaliencyEntry(
        name="brightness",
        build=Brightness,
        select=tuple,
        outputs="logits",
        normalisation=IMAGENET,
        size=size,
        multiple=multiple,
        minimum=minimum,
        source="a test",
        checkpoint=Checkpoint(file="brightness.pth", licence="none"),
    )


@pytest.mark.parametrize(
    ("demands", "got"),
    [
        (entry(), (40, 56)),
        (entry(size=(24, 24), multiple=32), (24, 24)),
        (entry(multiple=32), (64, 64)),
        (entry(minimum=48), (48, 56)),
        (entry(multiple=32, minimum=100), (128, 128)),
    ],
)
def test_a_network_gets_the_size_that_it_demands_and_maps_come_at_the_images(
    demands: SaliencyEntry, got: tuple[int, int]
) -> None:
    assert demands.input_size(SIZE) == got
    model = SaliencyModel(demands).eval()
    image = torch.rand(2, 3, *SIZE)
    assert model(image).shape == (2, 1, *SIZE)
    assert model.network.got == (2, 3, *got)


def test_a_network_of_a_fixed_size_is_served_at_the_working_size() -> None:
    model = SaliencyModel(entry(size=(24, 24))).eval()
    served = serve(model, SIZE)
    image = torch.randint(0, 256, (*SIZE, 3), dtype=torch.uint8)
    with torch.no_grad():
        expected = model(image.permute(2, 0, 1)[None].float() / 255)[0, 0]
    actual = torch.from_numpy(served.head(served.encode(image.numpy())))
    assert actual.shape == SIZE
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)
    assert model.network.got == (1, 3, 24, 24)


def test_one_that_is_not_adaptable_says_so() -> None:
    assert serve(SaliencyModel(entry()), SIZE).adaptable
    assert not serve(SaliencyModel(replace(entry(), adaptable=False)), SIZE).adaptable
