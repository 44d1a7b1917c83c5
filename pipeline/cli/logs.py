"""The log: text or JSON on standard error, and never a credential in it."""

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote

from pydantic import BaseModel, SecretStr
from rich.console import Console
from rich.logging import RichHandler

from configs.settings import Settings
from configs.source import SourceSettings
from stream.redaction import redact_text, secrets_of

_SHORTEST: Final = 4
"""Characters from which a secret is looked for by itself: a shorter one would be found in every other word."""

_secrets: set[str] = set()


class LogFormat(StrEnum):
    """How a record is written."""

    TEXT = "text"
    JSON = "json"


def set_up(*, verbose: bool) -> None:
    """Write warnings, or information as well, as text; before the settings are known."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, handlers=[_Handler(LogFormat.TEXT)])
    logging.getLogger("asyncio").addFilter(_is_news)


def set_up_log(settings: Settings) -> None:
    """Write the log as `settings` say, more where `--verbose` asked for more; hide what is secret in them."""
    _secrets.update(secret for secret in secrets_in(settings) if len(secret) >= _SHORTEST)
    root = logging.getLogger()
    root.setLevel(min(root.level, logging.getLevelNamesMapping()[settings.log.level]))
    for handler in root.handlers:
        if isinstance(handler, _Handler):
            handler.write(LogFormat(settings.log.format))


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out what asyncio says of each write to a client that has just left: its writer learns it a moment later."""
    return record.getMessage() != "socket.send() raised exception."


def hide(text: str) -> str:
    """Return `text` without credentials: those that look like some, and those of the settings."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return redact_text(text)


def secrets_in(section: BaseModel) -> Iterator[str]:
    """Give every secret in settings: what is a `SecretStr`; of a camera the credentials in its URL, and its options."""
    for key, value in vars(section).items():
        if isinstance(section, SourceSettings) and key == "url":  # a file's name is no secret
            found = secrets_of(section.url.get_secret_value())
            yield from (form for secret in found for form in (secret, unquote(secret)))
        elif isinstance(section, SourceSettings) and key == "options":
            yield from (option for option in section.options.values() if len(option) > 2 * _SHORTEST)
        else:
            yield from _secrets_of(value)


def _secrets_of(value: Any) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            yield from secrets_in(value)
        case dict():
            for item in value.values():
                yield from _secrets_of(item)
        case tuple() | list():
            for item in value:
                yield from _secrets_of(item)


class TextFormatter(logging.Formatter):
    """The message and its traceback, without credentials."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        return hide(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (ISO 8601, UTC), level, logger, message, and exception where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        content = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": hide(record.getMessage()),
        }
        if record.exc_info and record.exc_info[0] is not None:
            content["exception"] = hide("".join(traceback.format_exception(*record.exc_info)).rstrip())
        return json.dumps(content, ensure_ascii=False)


class Speaker:
    """What `serve` says by itself: on standard output, or in the log where that is JSON.

    Attributes:
        console: standard output.
        redraws: whether a person looks at a terminal.
    """

    def __init__(self, *, as_json: bool) -> None:
        """Speak as JSON, or as text."""
        self.console = Console()
        self.redraws = sys.stdout.isatty() and not as_json
        self._log = logging.getLogger("livesal.serve") if as_json else None
        if self._log is not None:
            self._log.setLevel(logging.INFO)  # whatever the level of the rest: standard output would say it as well

    def __call__(self, line: str) -> None:
        """Say one line."""
        if self._log is not None:
            self._log.info("%s", line)
        else:
            self.console.print(hide(line), highlight=False, soft_wrap=True, markup=False)


def spoken(settings: Settings) -> Speaker:
    """Return what speaks as `settings` say."""
    return Speaker(as_json=LogFormat(settings.log.format) is LogFormat.JSON)


class _Handler(logging.Handler):
    """Ours, whose format can change while it writes."""

    def __init__(self, form: LogFormat) -> None:
        super().__init__()
        self.write(form)

    def write(self, form: LogFormat) -> None:
        """Write each record in this format from now on."""
        writer: logging.Handler
        if form is LogFormat.JSON:
            writer = logging.StreamHandler(sys.stderr)
            writer.setFormatter(JsonFormatter())
        else:
            writer = RichHandler(console=Console(stderr=True), show_path=False, rich_tracebacks=False)
            writer.setFormatter(TextFormatter("%(message)s"))
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        self._writer.emit(record)
