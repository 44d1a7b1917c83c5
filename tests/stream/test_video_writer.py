from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from stream.errors import OutputError
from stream.frame import Frame
from stream.video_writer import VideoWriter
from tests.fakes.media import numbered, read_number


def frame(number: int, pts: int, time_base: Fraction = Fraction(1, 90_000), size: tuple[int, int] = (192, 96)) -> Frame:
    return Frame(numbered(number, *size), pts, time_base, number, 0.0)


def read(path: Path) -> list[tuple[NDArray[np.uint8], Fraction]]:
    with av.open(str(path)) as container:
        return [
            (
                np.asarray(picture.to_ndarray(format="rgb24"), np.uint8),
                Fraction((picture.pts or 0) * (picture.time_base or 1)),
            )
            for picture in container.decode(video=0)
        ]


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv"])
def test_every_frame_is_in_the_output_at_its_own_time(tmp_path: Path, suffix: str) -> None:
    times = [0, 3000, 3100, 9000, 9045, 20_000, 90_000, 93_003]
    with VideoWriter(tmp_path / f"a{suffix}") as writer:
        for number, pts in enumerate(times):
            writer.write(frame(number, pts))
    written = read(tmp_path / f"a{suffix}")
    assert [read_number(image) for image, _ in written] == list(range(8))
    exact = suffix != ".mkv"
    expected = [Fraction(pts, 90_000) for pts in times]
    assert [time for _, time in written] == (expected if exact else pytest.approx(expected, abs=0.00051))
    assert writer.frames == 8


def test_times_need_not_start_at_zero_and_keep_an_odd_time_base(tmp_path: Path) -> None:
    base = Fraction(1001, 30_000)
    with VideoWriter(tmp_path / "a.mp4") as writer:
        for number in range(10):
            writer.write(frame(number, 40 + number, base))
    assert [time for _, time in read(tmp_path / "a.mp4")] == [(40 + number) * base for number in range(10)]


def test_odd_sizes_are_padded_and_other_sizes_fitted(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(frame(5, 0, size=(191, 95)))
        writer.write(frame(6, 3000, size=(384, 192)))
        writer.write(frame(7, 6000, size=(96, 96)))
    written = read(tmp_path / "a.mp4")
    assert [image.shape for image, _ in written] == [(96, 192, 3)] * 3
    assert read_number(np.ascontiguousarray(written[0][0][:, :191])) == 5
    assert read_number(written[1][0]) == 6
    narrow = written[2][0]
    assert read_number(np.ascontiguousarray(narrow[:, :96])) == 7
    assert narrow[:, 110:].max() < 40


def test_colours_come_back(tmp_path: Path) -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:] = (200, 60, 30)
    with VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(Frame(image, 0, Fraction(1, 30), 0, 0.0))
    assert np.abs(read(tmp_path / "a.mp4")[0][0].astype(int) - (200, 60, 30)).max() <= 6


@pytest.mark.parametrize("name", ["a.xyz", "a"])
def test_an_unknown_suffix_is_an_error_that_lists_the_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"there are .mp4, .m4v, .mov, .mkv"):
        VideoWriter(tmp_path / name)


def test_an_unwritable_path_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "a.mp4"
    with pytest.raises(OutputError, match=r"missing/a\.mp4: the video cannot be written"), VideoWriter(path):
        pass


def test_a_time_that_does_not_grow_is_an_error(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(frame(0, 3000))
        with pytest.raises(OutputError, match="does not grow"):
            writer.write(frame(1, 3000))


def test_an_error_inside_leaves_what_was_written_and_no_empty_file(tmp_path: Path) -> None:
    def break_off(path: Path, frames: int) -> None:
        with VideoWriter(path) as writer:
            for number in range(frames):
                writer.write(frame(number, number * 3000))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off(tmp_path / "a.mp4", 5)
    assert len(read(tmp_path / "a.mp4")) == 5
    with pytest.raises(ZeroDivisionError):
        break_off(tmp_path / "b.mp4", 0)
    assert not (tmp_path / "b.mp4").exists()
