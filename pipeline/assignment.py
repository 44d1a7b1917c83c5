"""The assignment of rows to columns with the largest sum, by SciPy, which loads beside the networks.

Importing it takes half a second: a service does that while its networks are read, before the first frame needs it.
"""

import numpy as np
from numpy.typing import NDArray


def load_assignment() -> None:
    """Import what `best_assignment` needs, so that its first call is as fast as any other."""
    import scipy.optimize  # noqa: F401, PLC0415 - that is the point


def best_assignment(values: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return pairs of a row and a column of (n, m) `values`, each row and column once, of the largest total."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - see above

    rows, columns = linear_sum_assignment(values, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True)]
