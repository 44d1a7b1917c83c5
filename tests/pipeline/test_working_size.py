import numpy as np
import pytest

from pipeline.working_size import flow_size, shrink, working_size


@pytest.mark.parametrize(
    ("frame", "expected"), [((720, 1280), (160, 288)), ((480, 640), (192, 256)), ((1280, 720), (288, 160))]
)
def test_the_working_size_keeps_aspect_and_area(frame: tuple[int, int], expected: tuple[int, int]) -> None:
    assert working_size(frame, 160 * 288) == expected


def test_extreme_aspects_keep_a_usable_side() -> None:
    assert min(working_size((64, 4000), 160 * 288)) == 32


def test_flow_is_estimated_larger() -> None:
    assert flow_size((160, 288), 1.5) == (240, 432)


def test_a_large_picture_shrinks_to_its_averages() -> None:
    rows, columns = np.mgrid[0:720, 0:1280]
    image = np.stack([columns / 5, rows / 3, (rows + columns) / 8], axis=2).astype(np.uint8)
    small = shrink(image, (160, 288))
    assert small.shape == (160, 288, 3)
    assert abs(float(small.mean()) - float(image.mean())) < 1
    assert abs(int(small[80, 144, 0]) - int(image[362, 642, 0])) <= 2


@pytest.mark.parametrize("size", [(719, 1277), (640, 1153), (161, 289)])
def test_any_size_shrinks_to_the_mean_of_what_a_pixel_covers(size: tuple[int, int]) -> None:
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    image = np.stack([columns / size[1], rows / size[0]], axis=2).astype(np.float32)
    small = shrink(image, (160, 288))
    expected = np.stack(np.meshgrid((np.arange(288) + 0.5) / 288, (np.arange(160) + 0.5) / 160), axis=2)
    np.testing.assert_allclose(small, expected, atol=2 / min(size))


def test_the_right_size_is_left_alone() -> None:
    image = np.zeros((160, 288, 3), np.uint8)
    assert shrink(image, (160, 288)) is image
