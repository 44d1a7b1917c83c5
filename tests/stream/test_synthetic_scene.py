import cv2
import numpy as np
import pytest

from stream.errors import UnsupportedSourceError
from stream.synthetic import Demo, SyntheticReader
from stream.synthetic_scene import SyntheticScene


def scene(**others: float) -> SyntheticScene:
    return SyntheticScene(**({"width": 320, "height": 180, "fps": 30.0, "seed": 3, "cuts": 20.0} | others))  # type: ignore[arg-type] # sizes are whole


def test_a_picture_depends_on_its_number_only() -> None:
    one, other = scene(), scene()
    images = {number: one.frame(number) for number in (0, 40, 700, 41)}
    for number in (41, 700, 0, 40):
        image, mask = other.frame(number)
        assert np.array_equal(image, images[number][0])
        assert np.array_equal(mask, images[number][1])
    assert not np.array_equal(images[0][0], scene(seed=4).frame(0)[0])


def test_pictures_and_masks_have_their_form() -> None:
    image, mask = scene().frame(5)
    assert image.shape == (180, 320, 3)
    assert image.dtype == np.uint8
    assert mask.shape == (180, 320)
    assert mask.dtype == np.bool_


@pytest.mark.parametrize("seed", range(4))
def test_there_is_nearly_always_something_to_find_and_it_looks_different(seed: int) -> None:
    source = scene(seed=seed, width=160, height=90)
    shares, contrasts = [], []
    for number in range(0, 1800, 20):
        image, mask = source.frame(number)
        shares.append(mask.mean())
        if mask.sum() > 50:
            contrasts.append(np.abs(image[mask].mean(0) - image[~mask].mean(0)).max())
    assert np.mean(np.array(shares) == 0) < 0.1
    assert 0.02 < np.mean(shares) < 0.3
    assert np.median(contrasts) > 25


def test_the_ground_is_textured_and_not_plain() -> None:
    image, mask = scene().frame(0)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    tiles = grey[:176, :320].reshape(11, 16, 20, 16).std((1, 3))
    assert np.median(tiles) > 1
    assert grey[~mask].std() > 8


def test_objects_move_stop_leave_and_return() -> None:
    source = scene(cuts=0)
    paths = [item.path for item in source._at(0)[0].objects]
    for path in paths:
        places = np.array([path.at(second / 10)[0] for second in range(round(path.times[-1] * 10) + 1)])
        steps = np.abs(np.diff(places))
        assert steps.max() < 0.05  # no leaps
        assert (steps == 0).sum() > 10  # it rests for over a second
        outside = (places < -0.25) | (places > 1.25)
        assert outside.any()
        assert not outside[-1]


@pytest.mark.parametrize("number", [31, 250, 640])
def test_the_flow_leads_each_pixel_to_where_it_is_next(number: int) -> None:
    source = scene()
    before, covered = source.frame(number - 1)
    after, _ = source.frame(number)
    flow = source.flow(number)
    rows, columns = np.mgrid[:180, :320].astype(np.float32)
    warped = cv2.remap(after, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR)
    inner = (slice(8, -8), slice(8, -8))
    error = np.abs(warped.astype(int) - before)[inner].mean(2)
    still = np.abs(after.astype(int) - before)[inner].mean(2)
    assert np.median(error) <= 1
    assert error.mean() < 0.5 * still.mean()
    inside = cv2.erode(covered.astype(np.uint8), np.ones((7, 7)))[inner].astype(bool)
    assert np.median(error[inside]) <= 4


def test_a_cut_changes_the_picture_and_has_no_flow() -> None:
    source = scene(cuts=2)
    assert [number for number in range(1, 200) if source.is_cut(number)] == [60, 120, 180]
    assert not source.flow(60).any()
    assert source.flow(61).any()
    (before, _), (after, _) = source.frame(59), source.frame(60)
    assert np.abs(before.astype(int) - after).mean() > 10
    assert not any(scene(cuts=0).is_cut(number) for number in (1, 600, 601))


def test_the_url_says_what_the_demo_shows() -> None:
    demo = Demo.parse("demo://?width=160&height=90&fps=12.5&seed=2&seconds=2&cuts=1")
    pictures = list(SyntheticReader(demo))
    assert len(pictures) == 25
    assert pictures[3].image.shape == (90, 160, 3)
    assert [float((picture.pts or 0) * picture.time_base) for picture in pictures[:3]] == [0, 0.08, 0.16]
    assert np.array_equal(pictures[7].image, demo.scene().frame(7)[0])
    assert Demo.parse("demo://") == Demo()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("speed=2", "no parameter 'speed'; it has width, height, fps, seed, seconds, cuts"),
        ("width=wide", "width=wide is not a whole number from 64 to 3840"),
        ("width=10", "from 64"),
        ("fps=0", "from 1 to 240"),
        ("fps=1/0", "a number from 1"),
        ("seed=-1", "from 0"),
    ],
)
def test_unknown_demo_parameters_are_errors_that_name_them(query: str, says: str) -> None:
    with pytest.raises(UnsupportedSourceError, match=says):
        Demo.parse(f"demo://?{query}")
