import numpy as np
import pytest
import torch
from torch.nn import functional

from models.side_outputs import reduce_sides

SIZE = (32, 48)


def sides_of(*shapes: tuple[int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(20 * rng.standard_normal(shape)).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("shapes", [[(16, 24)], [(16, 24), (2, 3), (32, 48), (64, 96)]], ids=["one", "mean of four"])
@pytest.mark.parametrize("outputs", ["logits", "probabilities"])
def test_it_equals_torch(shapes: list[tuple[int, int]], outputs: str) -> None:
    sides = sides_of(*shapes)
    enlarged = [functional.interpolate(torch.from_numpy(side)[None, None], SIZE, mode="bilinear") for side in sides]
    expected = torch.stack([torch.sigmoid(side) if outputs == "logits" else side for side in enlarged]).mean(0)
    actual = reduce_sides(sides, SIZE, outputs)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected[0, 0].numpy(), atol=1e-5)


def test_what_it_is_given_stays_as_it_was() -> None:
    sides = sides_of(SIZE, SIZE)
    before = [side.copy() for side in sides]
    reduce_sides(sides, SIZE, "logits")
    np.testing.assert_array_equal(sides, before)


def test_extreme_logits_are_0_and_1() -> None:
    side = np.array([[-1e30, 0, 1e30]], np.float32)
    np.testing.assert_allclose(reduce_sides([side], (1, 3), "logits"), [[0, 0.5, 1]], atol=1e-30)


def test_a_network_without_output_is_refused() -> None:
    with pytest.raises(ValueError, match="without an output"):
        reduce_sides([], SIZE, "logits")
