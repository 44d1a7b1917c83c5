"""The assignment with the largest sum, against trying all of them."""

from itertools import permutations

import numpy as np
import pytest

from pipeline.assignment import best_assignment


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (2, 5), (5, 2), (4, 4)])
def test_no_other_assignment_has_a_larger_sum(size: tuple[int, int]) -> None:
    for seed in range(20):
        values = np.random.default_rng(seed).random(size)
        pairs = best_assignment(values)
        rows, columns = zip(*pairs, strict=True)
        assert len(pairs) == len(set(rows)) == len(set(columns)) == min(size)
        wide = values if size[0] <= size[1] else values.T
        largest = max(
            sum(wide[row, column] for row, column in enumerate(chosen))
            for chosen in permutations(range(wide.shape[1]), wide.shape[0])
        )
        assert sum(values[pair] for pair in pairs) == pytest.approx(largest)


def test_nothing_is_assigned_where_one_side_is_empty() -> None:
    assert best_assignment(np.zeros((0, 3))) == best_assignment(np.zeros((2, 0))) == []


def test_impossible_pairs_are_taken_only_where_nothing_else_is_left() -> None:
    values = np.array([[0.9, 0.8], [0.7, -1e6]])
    assert best_assignment(values) == [(0, 1), (1, 0)]
