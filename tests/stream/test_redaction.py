import pytest

from stream.redaction import redact, redact_text, secrets_of


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://u:p@h/a: refused; rtsp://v:q@h/b: too", "rtsp://***@h/a: refused; rtsp://***@h/b: too"),
        ("{'url': 'http://h/a?token=s&x=1'}", "{'url': 'http://h/a?token=***&x=1'}"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("mail anna@example.org about http://h/a", "mail anna@example.org about http://h/a"),
        ("--set x: expected KEY=VALUE", "--set x: expected KEY=VALUE"),
        ("connect(password=hidden)", "connect(password=***"),
    ],
)
def test_urls_inside_a_text_are_shown_without_credentials(text: str, shown: str) -> None:
    assert redact_text(text) == shown


def test_the_secrets_of_a_url_are_found() -> None:
    assert secrets_of("rtsp://me:p@ss@h/a?key=k&x=1") == ["p@ss", "k"]
    assert secrets_of("clip.mp4") == secrets_of("rtsp://h/a") == secrets_of("rtsp://me@h") == []
