"""Pictures on disk for tests of what reads them."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def write_picture(path: Path, image: NDArray[np.uint8]) -> None:
    """Write a grey or BGR picture, in the format of the path's suffix, into a folder that may be new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image), path
