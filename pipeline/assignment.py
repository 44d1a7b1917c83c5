"""The assignment of rows to columns with the largest sum."""

import numpy as np
from lap import lapjv
from numpy.typing import NDArray


def best_assignment(values: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return pairs of a row and a column of (n, m) `values`, each row and column once, of the largest total."""
    if not values.size:
        return []
    _, columns, _ = lapjv(-values, extend_cost=True)
    return [(row, int(column)) for row, column in enumerate(columns) if column >= 0]
