import pytest

from stream import location
from stream.errors import UnsupportedSourceError
from stream.ffmpeg_build import protocols, reads_format
from stream.location import locate


@pytest.mark.parametrize(
    ("url", "kind", "target"),
    [
        ("a.mp4", "path", "a.mp4"),
        ("C:/x.mp4", "path", "C:/x.mp4"),
        ("file:///a%20b.mp4", "path", "/a b.mp4"),
        ("/dev/video0", "device", "/dev/video0"),
        ("/dev/stdin.mp4", "path", "/dev/stdin.mp4"),
        ("demo://?fps=5", "demo", "demo://?fps=5"),
        ("rtsp://u:p@[::1]:8554/x", "network", "rtsp://u:p@[::1]:8554/x"),
        ("udp://@:5000", "network", "udp://@:5000"),
        ("http://host/live.m3u8", "network", "http://host/live.m3u8"),
    ],
)
def test_urls_name_kinds_of_sources(url: str, kind: str, target: str) -> None:
    found = locate(url)
    assert (found.kind, found.target) == (kind, target)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "empty"),
        ("gopher://host/x", "'gopher://' is no kind of source; there are: demo, file, rtsp"),
        ("rtsp:///live", "names no host"),
        ("rtsp://user:hid#den@host/live", "malformed host or port"),
        ("http://user:hidden@host:99999/", "malformed host or port"),
        ("rtsp://[::1/live", "malformed host or port"),
        ("udp://host", "names no port"),
    ],
)
def test_bad_urls_are_refused_in_words_and_without_credentials(url: str, says: str) -> None:
    with pytest.raises(UnsupportedSourceError, match=says.replace("'", ".")) as refused:
        locate(url)
    assert "hid" not in str(refused.value)


def test_what_ffmpeg_lacks_is_said_with_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(location, "protocols", lambda: frozenset({"tcp", "udp", "http"}))
    with pytest.raises(UnsupportedSourceError, match=r"has no srt \(it has rtsp, udp, tcp, http\)"):
        locate("srt://host:9000")


def test_the_real_ffmpeg_knows_the_protocols_that_matter() -> None:
    assert {"tcp", "udp", "http", "rtmp", "file"} <= protocols()
    assert reads_format("rtsp")
    assert not reads_format("no-such-format")
