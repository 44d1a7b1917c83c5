import pytest

from stream.redaction import redact


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://host:554/live", "rtsp://host:554/live"),
        ("rtsp://user:hidden@host/live", "rtsp://***@host/live"),
        ("RTSP://user@host/live", "RTSP://***@host/live"),
        ("rtsp://user:hid/den@host/live", "rtsp://***@host/live"),
        ("rtsp://user:hid@den?@host/live", "rtsp://***@host/live"),
        ("http://host/mjpg?user=me&password=hidden&size=2", "http://host/mjpg?user=***&password=***&size=2"),
        ("rtsp://host/user=me&Password=hidden&channel=1.sdp", "rtsp://host/user=***&Password=***&channel=1.sdp"),
        ("srt://host:1?passphrase=hidden&streamid=hidden", "srt://host:1?passphrase=***&streamid=***"),
        ("https://host/live.m3u8?access_token=hidden", "https://host/live.m3u8?access_token=***"),
        ("videos/a@b.mp4", "videos/a@b.mp4"),
    ],
)
def test_credentials_are_hidden_and_the_rest_is_kept(url: str, shown: str) -> None:
    assert redact(url) == shown
