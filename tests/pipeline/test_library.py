from dataclasses import replace

import pytest

from configs.guards import LibrarySettings
from pipeline.appearance import appearance, nearest, unlikeness
from pipeline.library import TwinLibrary, looks_of, spread, twin_of
from tests.fakes.adaptation import plain, twin
from tests.fakes.frames import SIZE, keyframe, picture

RED, DARK_RED, BLUE, GREEN = (200, 40, 40), (195, 36, 36), (30, 30, 180), (20, 190, 20)


def power(library: TwinLibrary) -> list[float]:
    return [float(one.state["power"]) for one in library]


def test_the_nearest_twin_of_the_same_size_is_found_and_none_of_another_scene() -> None:
    library = TwinLibrary(LibrarySettings())
    library.remember(twin(RED, power=1))
    library.remember(twin(BLUE, power=2))
    found = library.find([appearance(plain(DARK_RED))], SIZE)
    assert found is not None
    assert float(found.state["power"]) == 1
    assert library.find([appearance(plain(GREEN))], SIZE) is None
    assert library.find([appearance(plain(RED))], (32, 32)) is None
    assert library.find([], SIZE) is None


def test_a_newer_twin_of_a_scene_takes_the_place_of_the_older() -> None:
    library = TwinLibrary(LibrarySettings())
    for one in (twin(RED, power=1), twin(BLUE, power=2), twin(DARK_RED, power=3)):
        library.remember(one)
    assert power(library) == [2, 3]


def test_the_twin_unused_for_longest_leaves_a_full_library() -> None:
    library = TwinLibrary(LibrarySettings(capacity=2))
    library.remember(twin(RED, power=1))
    library.remember(twin(BLUE, power=2))
    library.find([appearance(plain(RED))], SIZE)
    library.remember(twin(GREEN, power=3))
    assert power(library) == [1, 3]


def test_the_library_is_bounded_in_bytes() -> None:
    one = twin(RED).nbytes
    library = TwinLibrary(LibrarySettings(megabytes=2.5 * one / 1e6))
    for number, colour in enumerate((RED, BLUE, GREEN)):
        library.remember(twin(colour, power=number))
        assert library.nbytes <= 2.5 * one
    assert power(library) == [1, 2]


def test_a_twin_whose_scene_nobody_saw_is_not_remembered() -> None:
    library = TwinLibrary(LibrarySettings())
    library.remember(replace(twin(), looks=()))
    library.remember(twin())
    library.clear()
    assert len(library) == 0


def test_a_twin_knows_its_keyframes_and_what_they_looked_like() -> None:
    look = appearance(picture())
    made = twin_of({}, [replace(keyframe(time / 4), look=look if time % 2 else None) for time in range(40)])
    assert made.size == SIZE
    assert [one.media_time for one in made.index[:3]] == [0, 0.25, 0.5]
    assert len(made.looks) == 8
    assert looks_of([keyframe(1)]) == ()
    looks = [appearance(plain((level, 0, 0))) for level in range(20)]
    assert (spread(looks)[0], spread(looks)[-1]) == (looks[0], looks[-1])


def test_how_unlike_two_frames_look() -> None:
    red, dark, blue = (appearance(plain(colour)) for colour in (RED, DARK_RED, BLUE))
    assert unlikeness(red, red) == 0
    assert unlikeness(red, dark) == unlikeness(dark, red) < unlikeness(red, blue)
    assert unlikeness(red, blue) == pytest.approx((4 * (170 + 10 + 140) / 3 / 255 + 1) / 2, abs=0.01)
    assert nearest([blue, red], [dark]) == unlikeness(red, dark)
