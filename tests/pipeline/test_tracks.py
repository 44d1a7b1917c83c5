import itertools
import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.method import RegionSettings
from pipeline.regions import Region, find_regions
from pipeline.tracks import TrackBook, advance_tracks, end_all, overlaps, random_suffix
from stream.events import RegionEvent

SETTINGS = RegionSettings.model_validate(
    {"minimum_hits": 3, "patience": 1.0, "update_interval": 1.0, "minimum_overlap": 0.2}
)
START = 1700000000.0


def _region(x: int, y: int = 100, size: int = 100, score: float = 0.8) -> Region:
    return Region(box=(x, y, x + size, y + size), area=size * size, score=score)


def _counted() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"{next(numbers):06d}"


def _play(
    frames: Iterable[Sequence[Region]], step: float = 0.1, settings: RegionSettings = SETTINGS
) -> tuple[TrackBook, list[RegionEvent]]:
    book, suffix = TrackBook("front"), _counted()
    told: list[RegionEvent] = []
    for number, regions in enumerate(frames):
        book, events = advance_tracks(book, regions, START + number * step, settings, suffix)
        told += events
    return book, told


def test_hand_computed_overlap() -> None:
    """Two 10 x 10 boxes shifted by half: 50 in common, 150 together."""
    matrix = overlaps([(0, 0, 10, 10)], [(5, 0, 15, 10), (0, 0, 10, 10), (20, 20, 30, 30)])
    np.testing.assert_allclose(matrix, [[1 / 3, 1.0, 0.0]])


def test_a_region_is_announced_at_its_third_sighting_in_a_row() -> None:
    _, events = _play([[_region(10)], [_region(10)], [], [_region(10)], [_region(10)]])
    assert events == []
    _, events = _play([[_region(10)], [_region(11)], [_region(12)]])
    (event,) = events
    assert event.type == "new"
    assert event.before == event.after
    assert event.after.id == "1700000000.0-000000"
    assert event.after.start_time == START
    assert event.after.frame_time == START + 0.2
    assert event.after.end_time is None
    assert event.after.box == (12, 100, 112, 200)
    assert (event.after.area, event.after.ratio, event.after.score) == (10000, 1.0, 0.8)


def test_one_life_new_update_end() -> None:
    """A region moves 4 pixels a frame for 2 s, then goes: an update a second, an end after the patience."""
    frames = [[_region(4 * number)] for number in range(21)] + [[]] * 15
    book, events = _play(frames)
    assert [event.type for event in events] == ["new", "update", "end"]
    new, update, end = events
    assert {event.after.id for event in events} == {new.after.id}
    assert update.before == new.after
    assert update.after.frame_time == pytest.approx(START + 1.2)
    assert update.after.box[0] == 48
    assert end.before == update.after
    assert end.after.end_time == pytest.approx(START + 2.0)
    assert end.after.frame_time == end.after.end_time
    assert book.tracks == ()


def test_a_region_that_stays_as_it_is_says_nothing_more() -> None:
    _, events = _play([[_region(10)]] * 50)
    assert [event.type for event in events] == ["new"]


def test_a_higher_score_is_worth_an_update_and_stays_the_top() -> None:
    frames = [[_region(10, score=0.6)]] * 5 + [[_region(10, score=0.9)]] + [[_region(10, score=0.7)]] * 20
    _, events = _play(frames)
    assert [event.type for event in events] == ["new", "update"]
    assert events[1].after.top_score == 0.9
    assert events[1].after.score == 0.7


def test_a_gap_shorter_than_the_patience_is_bridged() -> None:
    """The region moves 60 pixels while unseen: only its expected place overlaps enough."""
    moving = [[_region(10 * number)] for number in range(6)]
    back = [[_region(10 * number)] for number in range(14, 20)]
    _, events = _play([*moving, *[[]] * 8, *back])
    assert len({event.after.id for event in events}) == 1
    assert "end" not in {event.type for event in events}


def test_objects_that_cross_keep_their_ids() -> None:
    """Two discs pass one another, 25 pixels apart; on the way their maps melt into one region."""

    def frame(number: int) -> tuple[Region, ...]:
        rows, columns = np.mgrid[:160, :288]
        saliency = np.zeros((160, 288), np.float32)
        for x, y in ((40 + 4 * number, 68), (240 - 4 * number, 93)):
            saliency[(rows - y) ** 2 + (columns - x) ** 2 < 18**2] = 0.9
        return find_regions(saliency, 0.5, 0.002, (160, 288))

    frames = [frame(number) for number in range(51)]
    assert min(len(regions) for regions in frames) == 1
    book, events = _play(frames, step=1 / 30)
    first, second = (event.after for event in events if event.type == "new")
    left, right = sorted((first, second), key=lambda region: region.box[0])
    last = {track.id: track.region.box[0] for track in book.announced}
    assert last.keys() == {left.id, right.id}
    assert last[left.id] > last[right.id]


def test_a_scene_cut_ends_every_announced_track() -> None:
    book, events = _play([[_region(10), _region(400)]] * 3 + [[_region(10), _region(400), _region(800)]])
    assert [event.type for event in events] == ["new", "new"]
    empty, ends = end_all(book)
    assert empty == TrackBook("front")
    assert [event.type for event in ends] == ["end", "end"]
    assert [event.after.end_time for event in ends] == [pytest.approx(START + 0.3)] * 2


def test_ids_are_a_unix_time_and_six_random_characters() -> None:
    assert re.fullmatch(r"[a-z0-9]{6}", random_suffix())
    assert random_suffix() != random_suffix()


_BOXES = st.builds(_region, st.integers(0, 600), st.integers(0, 400), st.integers(20, 200), st.floats(0.5, 1.0))
_FRAMES = st.lists(st.lists(_BOXES, max_size=4), max_size=40)


@given(_FRAMES, st.sampled_from([0.04, 0.3, 1.5]), st.integers(1, 4))
def test_every_id_lives_once(frames: list[list[Region]], step: float, hits: int) -> None:
    """Each id: one new, then updates, then one end; times are ordered, and `before` is what was told last."""
    book, events = _play(frames, step, SETTINGS.model_copy(update={"minimum_hits": hits}))
    _, ends = end_all(book)
    lives: dict[str, list[RegionEvent]] = {}
    for event in (*events, *ends):
        lives.setdefault(event.after.id, []).append(event)
    for life in lives.values():
        assert [event.type for event in life] == ["new", *["update"] * (len(life) - 2), "end"]
        for earlier, later in itertools.pairwise(life):
            assert later.before == earlier.after
            assert later.after.frame_time >= earlier.after.frame_time
            assert later.after.top_score >= earlier.after.top_score
        end = life[-1].after
        assert end.end_time is not None
        assert end.end_time >= end.start_time
        assert all(event.after.end_time is None for event in life[:-1])
        told = [event.after.frame_time for event in life[:-1]]
        assert all(later - earlier >= SETTINGS.update_interval - 1e-6 for earlier, later in itertools.pairwise(told))


@given(_FRAMES)
def test_a_region_continues_at_most_one_track(frames: list[list[Region]]) -> None:
    book, suffix = TrackBook("front"), _counted()
    for number, regions in enumerate(frames):
        now = START + number * 0.1
        book, _ = advance_tracks(book, regions, now, SETTINGS, suffix)
        assert len({track.id for track in book.tracks}) == len(book.tracks)
        assert sum(track.seen_time == now for track in book.tracks) == len(regions)
