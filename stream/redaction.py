"""URLs as they may be shown: without user names, passwords or tokens."""

import re
from typing import Final

_USER_INFORMATION: Final = re.compile(r"^([a-z][a-z0-9+.-]*://).*@", re.IGNORECASE | re.DOTALL)
_SECRET: Final = re.compile(
    r"((?:user(?:name)?|login|usr|pass(?:word|wd|phrase)?|pwd|token|secret|signature|sig|auth|key|api_?key|streamid)=)"
    r"[^&;/?#\s]*",
    re.IGNORECASE,
)
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"<>]*", re.IGNORECASE)
_SECRET_WORD: Final = re.compile(
    r"\b((?:pass(?:word|wd|phrase)?|pwd|token|secret|api_?key)=)[^&;/?#\s'\"]*", re.IGNORECASE
)
"""In a text, where `key=` and `user=` are words like others."""
_BEARER: Final = re.compile(r"\b(Bearer\s+)[^\s'\",;]+", re.IGNORECASE)
_HIDDEN: Final = "***"


def redact(url: str) -> str:
    """Return `url` without credentials: user information and secret-looking parameters become `***`.

    Everything up to the last `@` counts as user information, since people write passwords that hold `/`, `?` or `@`
    unescaped: rather too much is hidden than a piece of a password shown.
    """
    return _SECRET.sub(rf"\g<1>{_HIDDEN}", _USER_INFORMATION.sub(rf"\g<1>{_HIDDEN}@", url))


def secrets_of(url: str) -> list[str]:
    """Return the password in `url` and what its secret-looking parameters say, as they are written."""
    user = _USER_INFORMATION.match(url)
    found = [user[0].split("://", 1)[1].removesuffix("@").partition(":")[2]] if user else []
    found += [match[0].partition("=")[2] for match in _SECRET.finditer(url)]
    return [secret for secret in found if secret]


def redact_text(text: str) -> str:
    """Return a text that may have URLs in it, such as a log line or a traceback, without credentials."""
    hidden = _URL.sub(lambda match: redact(match[0]), text)
    return _BEARER.sub(rf"\g<1>{_HIDDEN}", _SECRET_WORD.sub(rf"\g<1>{_HIDDEN}", hidden))
