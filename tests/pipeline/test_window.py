from dataclasses import replace

import numpy as np

from configs.method import WindowSettings
from pipeline.appearance import appearance
from pipeline.values import CloserLook, Keyframe
from pipeline.window import KeyframeWindow
from tests.fakes.adaptation import plain


def keyframe(time: float, nr: float = 0.3, size: tuple[int, int] = (4, 6)) -> Keyframe:
    return Keyframe(
        image=np.zeros((*size, 3), np.uint8),
        label=np.zeros(size, np.float32),
        nr=nr,
        media_time=time,
        sequence=round(time * 10),
    )


def times(window: KeyframeWindow) -> list[float]:
    return [held.media_time for held in window]


def test_the_oldest_leaves_a_full_window() -> None:
    window = KeyframeWindow(WindowSettings(capacity=3, spacing=0))
    assert all(window.offer(keyframe(time)) for time in (0, 1, 2, 3))
    assert times(window) == [1, 2, 3]


def test_the_window_is_bounded_in_bytes() -> None:
    one = keyframe(0, size=(100, 100)).nbytes
    window = KeyframeWindow(WindowSettings(capacity=100, megabytes=2.5 * one / 1e6, spacing=0))
    for time in range(5):
        window.offer(keyframe(time, size=(100, 100)))
    assert times(window) == [3, 4]
    assert window.nbytes == 2 * one


def test_of_a_burst_the_most_trustworthy_stays() -> None:
    window = KeyframeWindow(WindowSettings(spacing=1.0))
    assert window.offer(keyframe(0.0, nr=0.5))
    assert not window.offer(keyframe(0.5, nr=0.2))
    assert not window.offer(keyframe(0.9, nr=0.4))
    assert [held.nr for held in window] == [0.2]
    assert window.offer(keyframe(1.0, nr=0.5)), "the burst does not push the next one along"


def test_what_the_window_would_take_it_takes() -> None:
    window = KeyframeWindow(WindowSettings(capacity=4, spacing=0.25))
    rng = np.random.default_rng(0)
    for number in range(200):
        offered = keyframe(number / 10, nr=float(rng.uniform(0, 0.6)))
        expected = window.would_take(offered)
        window.offer(offered)
        assert (offered.sequence in {held.sequence for held in window}) == expected


def test_labels_of_a_closer_look_replace_what_it_went_on() -> None:
    look = CloserLook(np.zeros((8, 12, 3), np.uint8), np.zeros((8, 12, 3), np.uint8))
    window = KeyframeWindow(WindowSettings(spacing=0))
    for time in (0, 1, 2):
        window.offer(replace(keyframe(time), closer=look))
    better = np.full((4, 6), 0.7, np.float32)
    window.teach({10: better, 99: better})
    assert [held.label.max() for held in window] == [0, better.max(), 0]
    assert [held.closer is None for held in window] == [False, True, False]
    assert window.nbytes == 2 * look.nbytes + 3 * keyframe(0).nbytes


def test_a_cleared_window_is_empty() -> None:
    window = KeyframeWindow(WindowSettings())
    window.offer(keyframe(0))
    window.clear()
    assert len(window) == 0
    assert window.nbytes == 0


def coloured(time: float, colour: tuple[int, int, int]) -> Keyframe:
    return replace(keyframe(time), look=appearance(plain(colour)))


RED, DARK_RED, BLUE, GREEN = (200, 40, 40), (195, 36, 36), (30, 30, 180), (20, 190, 20)


def test_in_a_full_window_the_keyframe_most_like_the_new_one_leaves() -> None:
    window = KeyframeWindow(WindowSettings(capacity=3, spacing=0))
    for time, colour in enumerate((BLUE, RED, GREEN, DARK_RED)):
        assert window.offer(coloured(time, colour))
    assert times(window) == [0, 2, 3], "the rare looks stay, the first red one has a successor"
    window.offer(coloured(4, DARK_RED))
    assert times(window) == [0, 2, 4]
    newest = KeyframeWindow(WindowSettings(capacity=3, spacing=0, keep="newest"))
    for time, colour in enumerate((BLUE, RED, GREEN, DARK_RED)):
        newest.offer(coloured(time, colour))
    assert times(newest) == [1, 2, 3]


def test_of_equals_the_oldest_leaves_and_what_nobody_looked_at_before_all() -> None:
    window = KeyframeWindow(WindowSettings(capacity=3, spacing=0))
    for one in (coloured(0, RED), coloured(1, RED), keyframe(2), coloured(3, RED)):
        window.offer(one)
    assert times(window) == [0, 1, 3]
    window.offer(coloured(4, RED))
    assert times(window) == [1, 3, 4]


def test_keyframes_of_long_ago_leave_even_if_they_look_like_no_other() -> None:
    window = KeyframeWindow(WindowSettings(spacing=0, maximum_age=10))
    for time, colour in ((0, BLUE), (5, RED), (11, RED), (15, RED)):
        window.offer(coloured(time, colour))
    assert times(window) == [5, 11, 15]
