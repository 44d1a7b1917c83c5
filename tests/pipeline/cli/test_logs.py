import json
import logging
import sys
from collections.abc import Iterator

import pytest

from configs.settings import Settings
from pipeline.cli import logs
from pipeline.cli.logs import JsonFormatter, TextFormatter, hide, secrets_in, set_up, set_up_log

SECRET = "planted-1"  # noqa: S105 - planted


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(logs, "_secrets", set())
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


def settings_with_secrets() -> Settings:
    return Settings.model_validate(
        {
            "cameras": {
                "a": {"url": f"rtsp://anna:{SECRET}%2F@h/1"},
                "b": {"url": "http://h/1?token=planted-2&x=1", "options": {"user_agent": "planted-3", "r": "25"}},
                "c": {"url": "clip.mp4"},
            },
            "http": {"tokens": ["planted-4"]},
            "mqtt": {"host": "h", "password": "planted-5"},
        }
    )


def failure(text: str) -> logging.LogRecord:
    try:
        int(text)
    except ValueError:
        return logging.LogRecord("livesal.x", logging.ERROR, "x.py", 1, "it failed with %s", (text,), sys.exc_info())


def test_every_secret_of_the_settings_is_found_and_nothing_else() -> None:
    found = set(secrets_in(settings_with_secrets()))
    assert found == {"planted-1%2F", "planted-1/", "planted-2", "planted-3", "planted-4", "planted-5"}


@pytest.mark.parametrize("formatter", [TextFormatter("%(message)s"), JsonFormatter()])
def test_no_secret_is_left_in_a_message_or_its_traceback(formatter: logging.Formatter) -> None:
    set_up_log(settings_with_secrets())
    for text in (
        "planted-1/",
        "planted-4",
        "rtsp://u:unknown-password@h/x",
        "Bearer unknown-token",
        "password=unknown",
    ):
        said = formatter.format(failure(f"opening {text} went wrong"))
        assert "planted" not in said
        assert "unknown" not in said
        assert said.count("***") >= 2, "in the message and in the traceback"
        assert "ValueError" in said
        assert "went wrong" in said


def test_json_is_one_object_a_line() -> None:
    text = JsonFormatter().format(failure('two\nlines, "quoted", ü'))
    assert "\n" not in text
    record = json.loads(text)
    assert (record["level"], record["logger"]) == ("ERROR", "livesal.x")
    assert record["message"] == 'it failed with two\nlines, "quoted", ü'
    assert record["exception"].startswith("Traceback")
    assert record["time"].endswith("+00:00")


def test_what_is_no_secret_stays() -> None:
    set_up_log(settings_with_secrets())
    for text in ("clip.mp4", "rtsp://192.0.2.1/a?x=1", "25 frames", "the token is missing"):
        assert hide(text) == text


@pytest.mark.parametrize(
    ("text", "written"), [("socket.send() raised exception.", False), ("Executing took 0.3 seconds", True)]
)
def test_writes_to_a_client_that_has_left_are_no_news(text: str, *, written: bool) -> None:
    log = logging.getLogger("asyncio")
    before = list(log.filters)
    try:
        set_up(verbose=False)
        record = log.makeRecord("asyncio", logging.WARNING, "", 0, text, (), None)
        assert bool(log.filter(record)) is written
    finally:
        log.filters[:] = before
