import numpy as np
import pytest
import torch

from models.training.loss import deep_supervision, outline_weight, structure_loss

MASK = torch.zeros(1, 1, 40, 60)
MASK[..., 10:30, 20:50] = 1


def logits_of(map_: torch.Tensor) -> torch.Tensor:
    return 20 * map_ - 10


def test_outlines_count_more_than_areas() -> None:
    weight = outline_weight(MASK, 4.0)[0, 0]
    assert weight[20, 35] == pytest.approx(1), "deep inside"
    assert weight[0, 0] == pytest.approx(1), "far outside"
    assert weight[20, 20] == pytest.approx(1 + 4 * 7 / 15), "on an edge, 7 of 15 columns around are outside"
    assert weight[10, 20] == pytest.approx(1 + 4 * (1 - (8 / 15) ** 2)), "at a corner"


def test_without_emphasis_all_pixels_count_alike() -> None:
    assert (outline_weight(MASK, 0.0) == 1).all()


def test_the_right_map_costs_nothing_and_a_worse_one_more() -> None:
    weight = torch.ones_like(MASK)
    right = structure_loss(logits_of(MASK), MASK, weight)
    half = structure_loss(torch.zeros_like(MASK), MASK, weight)
    wrong = structure_loss(logits_of(1 - MASK), MASK, weight)
    assert float(right) == pytest.approx(0, abs=1e-3)
    # p = 1/2 everywhere: entropy log 2; overlap 300, union 600 + 900
    assert float(half) == pytest.approx(np.log(2) + 1 - 301 / 1501, abs=1e-5)
    assert wrong > half > right


def test_coarser_sides_count_less() -> None:
    zero = torch.zeros_like(MASK)
    one = deep_supervision([zero], MASK)
    assert float(deep_supervision([zero, zero[..., ::2, ::2]], MASK)) == pytest.approx(1.4 * float(one))
