from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.pictures import write_picture


@pytest.fixture
def two_frames(tmp_path: Path) -> tuple[Path, Path]:
    """A data set of two frames of four pixels, and one method's maps for it: small enough to score by hand."""
    masks: Mapping[str, list[list[int]]] = {"0": [[255, 0], [0, 0]], "1": [[255, 255], [0, 0]]}
    maps: Mapping[str, list[list[int]]] = {"0": [[255, 128], [0, 0]], "1": [[204, 51], [51, 0]]}
    for name, mask in masks.items():
        write_picture(tmp_path / "set" / "frames" / "seq" / f"{name}.png", np.full((2, 2, 3), 90, np.uint8))
        write_picture(tmp_path / "set" / "masks" / "seq" / f"{name}.png", np.array(mask, np.uint8))
        write_picture(tmp_path / "maps" / "seq" / f"{name}.png", np.array(maps[name], np.uint8))
    return tmp_path / "set", tmp_path / "maps"
