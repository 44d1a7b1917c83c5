"""URLs as they may be shown: without user names, passwords or tokens."""

import re
from typing import Final

_USER_INFORMATION: Final = re.compile(r"^([a-z][a-z0-9+.-]*://).*@", re.IGNORECASE | re.DOTALL)
_SECRET: Final = re.compile(
    r"((?:user(?:name)?|login|usr|pass(?:word|wd|phrase)?|pwd|token|secret|signature|sig|auth|key|api_?key|streamid)=)"
    r"[^&;/?#\s]*",
    re.IGNORECASE,
)
_HIDDEN: Final = "***"


def redact(url: str) -> str:
    """Return `url` without credentials: user information and secret-looking parameters become `***`.

    Everything up to the last `@` counts as user information, since people write passwords that hold `/`, `?` or `@`
    unescaped: rather too much is hidden than a piece of a password shown.
    """
    return _SECRET.sub(rf"\g<1>{_HIDDEN}", _USER_INFORMATION.sub(rf"\g<1>{_HIDDEN}@", url))
