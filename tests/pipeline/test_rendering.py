import numpy as np
import pytest

from pipeline.rendering import render_views
from stream import render
from stream.views import VIEWS
from tests.fakes.frames import analysed, picture, saliency
from tests.fakes.mqtt_events import region_event

MAPS = saliency(0.8)


def test_every_view_has_the_displayed_size_and_a_mosaic_or_comparison_is_twice_as_wide() -> None:
    pictures = render_views(VIEWS, analysed(image=picture(0, (101, 151))), [], 90)
    assert set(pictures) == set(VIEWS)
    sizes = {"mosaic": (80, 180, 3), "comparison": (60, 180, 3)}
    for name, shown in pictures.items():
        assert shown.dtype == np.uint8
        assert shown.shape == sizes.get(name, (60, 90, 3)), name


@pytest.mark.parametrize("name", ["motion", "colour", "low_level", "final"])
def test_a_map_is_shown_as_a_heatmap(name: str) -> None:
    shown = render_views([name], analysed(0, MAPS), [], 96)[name]
    np.testing.assert_array_equal(shown, render.heatmap(getattr(MAPS, name)))


def test_the_source_is_shown_as_it_is() -> None:
    np.testing.assert_array_equal(render_views(["source"], analysed(7), [], 640)["source"], picture(7))


def test_the_overlay_shows_what_stands_out_and_the_regions() -> None:
    plain = render_views(["overlay"], analysed(0, MAPS), [], 96)["overlay"]
    np.testing.assert_array_equal(plain, render.overlay(picture(0), MAPS.final))
    region = region_event("new").after
    boxed = render_views(["overlay"], analysed(0, MAPS), [region], 96)["overlay"]
    assert (boxed != plain).any(axis=2)[20, 30:90].mean() > 0.5, "the box's upper edge"


def test_the_comparison_shows_one_frame_without_and_with_the_twin() -> None:
    shown = render_views(["comparison"], analysed(0, MAPS), [], 96)["comparison"]
    left, right = np.hsplit(shown, 2)
    np.testing.assert_array_equal(left, render.overlay(picture(0), MAPS.unadapted))
    np.testing.assert_array_equal(right, render.overlay(picture(0), MAPS.final))


def test_only_the_wanted_views_are_made() -> None:
    assert set(render_views({"final", "overlay"}, analysed(), [], 96)) == {"final", "overlay"}
    assert render_views([], analysed(), [], 96) == {}


def test_the_overlay_shows_the_outlines_of_zones() -> None:
    plain = render_views(["overlay"], analysed(0, MAPS), [], 96)["overlay"]
    zones = {"z": np.array([[0.1, 0.5], [0.9, 0.5], [0.9, 0.9], [0.1, 0.9]], np.float32)}
    shown = render_views(["overlay"], analysed(0, MAPS), [], 96, zones)["overlay"]
    changed = np.abs(shown.astype(int) - plain).max(2) > 0
    assert changed[32, 40:80].all()
    assert not changed[36:50, 40:80].any(), "an outline hides nothing"
