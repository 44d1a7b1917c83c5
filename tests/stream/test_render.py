import numpy as np
import pytest

from stream import render
from stream.events import TrackedRegion


def region(box: tuple[int, int, int, int]) -> TrackedRegion:
    return TrackedRegion(
        id="1.0-abcdef",
        camera="front",
        frame_time=1.0,
        start_time=1.0,
        end_time=None,
        box=box,
        area=1,
        ratio=1.0,
        score=0.87,
        top_score=0.9,
    )


def test_grey_is_the_map_times_255() -> None:
    drawn = render.grey(np.array([[0, 0.2], [0.5, 1]], np.float32))
    assert drawn.dtype == np.uint8
    assert drawn[:, :, 0].tolist() == [[0, 51], [128, 255]]
    assert (drawn == drawn[:, :, :1]).all()


def test_a_map_outside_its_range_is_cut_off_not_wrapped() -> None:
    assert render.grey(np.array([[-0.5, 1.5]], np.float32))[0, :, 0].tolist() == [0, 255]


def test_heatmap_is_inferno_in_rgb() -> None:
    drawn = render.heatmap(np.array([[0, 1]], np.float32))
    assert drawn[0, 0].tolist() == [0, 0, 4]  # matplotlib's inferno begins and ends so
    assert drawn[0, 1].tolist() == [252, 255, 164]


def test_overlay_shows_the_frame_where_nothing_is_salient_and_the_colour_where_all_is() -> None:
    image = np.full((4, 4, 3), 100, np.uint8)
    saliency = np.zeros((4, 4), np.float32)
    saliency[:, 2:] = 1
    drawn = render.overlay(image, saliency, 1.0)
    assert drawn[0, 0].tolist() == [100, 100, 100]
    assert drawn[0, 3].tolist() == [252, 255, 164]
    half = render.overlay(image, saliency, 0.5)
    # 0.5 of (252, 255, 164) over 0.5 of 100
    assert np.abs(half[0, 3].astype(int) - [176, 178, 132]).max() <= 1


def test_an_impossible_opacity_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not 1\.5"):
        render.overlay(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.float32), 1.5)


@pytest.mark.parametrize(
    ("size", "width", "expected"),
    [
        ((720, 1280), 640, (360, 640)),
        ((1080, 1920), 641, (360, 640)),
        ((480, 853), 640, (360, 640)),
        ((101, 333), 640, (100, 332)),
        ((1, 1000), 64, (2, 64)),
    ],
)
def test_fit_keeps_the_aspect_and_makes_sides_even(
    size: tuple[int, int], width: int, expected: tuple[int, int]
) -> None:
    assert render.fit(np.zeros((*size, 3), np.uint8), width).shape == (*expected, 3)


def test_mosaic_puts_tiles_row_by_row() -> None:
    tiles = {
        name: np.full((20, 40, 3), value, np.uint8) for name, value in (("a", 10), ("b", 20), ("c", 30), ("d", 40))
    }
    drawn = render.mosaic(tiles)
    assert drawn.shape == (40, 120, 3)
    assert [drawn[18, 39, 0], drawn[18, 79, 0], drawn[18, 119, 0], drawn[38, 39, 0]] == [10, 20, 30, 40]


def test_an_empty_mosaic_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one tile"):
        render.mosaic({})


def test_regions_are_scaled_to_the_picture() -> None:
    drawn = render.draw_regions(np.zeros((90, 160, 3), np.uint8), [region((320, 180, 640, 540))], (720, 1280))
    rows, columns = np.nonzero((drawn == (80, 230, 120)).all(axis=2))
    # the box is (40, 22) to (80, 68), its line 2 pixels wide
    assert np.abs(np.subtract((columns.min(), columns.max()), (40, 80))).max() <= 1
    assert np.abs(np.subtract((rows.min(), rows.max()), (22, 68))).max() <= 1


@pytest.mark.parametrize("size", [(361, 641), (2, 2), (90, 160)])
def test_the_no_signal_card_has_even_sides_and_fits(size: tuple[int, int]) -> None:
    card = render.no_signal_card(size, "no signal from a camera with a long name")
    assert card.shape == (size[0] // 2 * 2, size[1] // 2 * 2, 3)


def test_jpeg_is_a_jpeg_of_the_picture() -> None:
    encoded = render.jpeg(np.full((16, 16, 3), (200, 30, 30), np.uint8))
    assert encoded.startswith(b"\xff\xd8\xff")
