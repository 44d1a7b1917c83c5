import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.regions import Region, find_regions


def _map(height: int = 20, width: int = 40) -> NDArray[np.float32]:
    return np.zeros((height, width), np.float32)


def test_hand_computed_region() -> None:
    """Rows 5-9, columns 10-19 of a 20 x 40 map; the frame is four times as high and twice as wide."""
    saliency = _map()
    saliency[5:10, 10:20] = 0.6
    saliency[7, 12] = 1.0
    (region,) = find_regions(saliency, 0.5, 0.002, (80, 80))
    assert region.box == (20, 20, 40, 40)
    assert region.area == 50 * 2 * 4
    assert region.score == pytest.approx((49 * 0.6 + 1.0) / 50)


def test_the_score_leaves_out_what_surrounds_the_region() -> None:
    saliency = _map()
    saliency[4:12, 4] = 0.8
    saliency[11, 4:12] = 0.8
    saliency[5:9, 7:11] = 0.4  # inside the box of the L, below the threshold
    (region,) = find_regions(saliency, 0.5, 0.0, (20, 40))
    assert region.box == (4, 4, 12, 12)
    assert region.area == 15
    assert region.score == pytest.approx(0.8)


def test_threshold_belongs_to_the_region() -> None:
    saliency = np.full((10, 10), 0.5, np.float32)
    assert len(find_regions(saliency, 0.5, 0.1, (10, 10))) == 1
    assert find_regions(saliency, 0.51, 0.1, (10, 10)) == ()


def test_small_regions_are_left_out_and_the_largest_comes_first() -> None:
    saliency = _map(100, 100)
    saliency[0:5, 0:4] = 1.0  # 20 pixels, 0.002 of the map
    saliency[50:60, 50:60] = 1.0
    saliency[0, 90] = 1.0
    assert [region.area for region in find_regions(saliency, 0.5, 0.002, (100, 100))] == [100, 20]


def test_pixels_that_touch_at_a_corner_are_one_region() -> None:
    saliency = _map()
    saliency[5:8, 5:8] = 1.0
    saliency[8:11, 8:11] = 1.0
    assert len(find_regions(saliency, 0.5, 0.0, (20, 40))) == 1


def test_noise_is_bounded() -> None:
    saliency = np.zeros((160, 288), np.float32)
    saliency[::2, ::2] = 1.0
    assert len(find_regions(saliency, 0.5, 0.0, (720, 1280))) == 64


def test_a_map_without_salient_pixels_has_no_regions() -> None:
    assert find_regions(_map(), 0.5, 0.0, (20, 40)) == ()
    assert find_regions(np.full((20, 40), np.nan, np.float32), 0.5, 0.0, (20, 40)) == ()


def test_a_frame_smaller_than_the_map_still_has_boxes() -> None:
    saliency = _map(64, 64)
    saliency[10, 10] = 1.0
    (region,) = find_regions(saliency, 0.5, 0.0, (16, 16))
    assert region.area == 1
    assert region.box == (2, 2, 3, 3)


def test_an_inverted_box_is_refused() -> None:
    with pytest.raises(ValueError, match="x1 < x2"):
        Region(box=(5, 0, 5, 4), area=1, score=0.5)
