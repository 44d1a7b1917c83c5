from pathlib import Path

import pytest

from stream.errors import SourceError, UnsupportedSourceError
from stream.probe import probe
from tests.fakes.media import numbered, write_video
from tests.fakes.pictures import write_picture


def test_a_file_is_described(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", (numbered(n) for n in range(30)), rate=10)
    now = iter([5.0, 5.25])
    report = probe(str(tmp_path / "a.mp4"), clock=lambda: next(now))
    assert (report.codec, report.width, report.height, report.frame_rate) == ("h264", 192, 96, 10)
    assert "mp4" in report.format
    assert report.duration == pytest.approx(3)
    assert report.first_picture == 0.25
    assert not report.live
    assert report.warnings == ()


def test_wide_pictures_are_warned_of(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", [numbered(0, 2400, 96)])
    (warning,) = probe(str(tmp_path / "a.mp4")).warnings
    assert "2400 pixels wide" in warning


def test_a_folder_and_the_demo_are_described(tmp_path: Path) -> None:
    for number in range(5):
        write_picture(tmp_path / f"{number}.png", numbered(number))
    folder = probe(str(tmp_path))
    assert (folder.format, folder.width, folder.height, folder.duration) == ("images", 192, 96, 0.2)
    demo = probe("demo://?width=128&height=72&fps=12")
    assert (demo.format, demo.width, demo.height, demo.frame_rate, demo.duration) == ("demo", 128, 72, 12, None)


def test_what_cannot_be_opened_is_an_error_without_credentials() -> None:
    with pytest.raises(SourceError, match="no such file"):
        probe("/nowhere/a.mp4")
    with pytest.raises(UnsupportedSourceError, match="no kind of source"):
        probe("gopher://me:hidden@host/x")
    with pytest.raises(SourceError, match=r"http://\*\*\*@127.0.0.1:9/x: nothing listens there"):
        probe("http://me:hidden@127.0.0.1:9/x")
