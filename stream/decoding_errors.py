"""What PyAV says, in words for users, and without the URL that its own messages carry."""

from typing import Final

from av import error

from configs.source import SourceSettings
from stream.errors import CorruptSourceError, SilentSourceError, SourceError, UnsupportedSourceError

_TEXTS: Final[tuple[tuple[tuple[type[Exception], ...], type[SourceError], str], ...]] = (
    (
        (error.ExitError, TimeoutError),
        SilentSourceError,
        "sent nothing in time ({open:g} s to open, {read:g} s to read)",
    ),
    (
        (
            error.ProtocolNotFoundError,
            error.DemuxerNotFoundError,
            error.DecoderNotFoundError,
            error.OptionNotFoundError,
            error.PatchWelcomeError,
        ),
        UnsupportedSourceError,
        "this FFmpeg cannot read it ({reason})",
    ),
    ((error.InvalidDataError,), CorruptSourceError, "is no video that can be read, or a damaged one ({reason})"),
    ((FileNotFoundError,), SourceError, "there is no such file or device"),
    ((PermissionError,), SourceError, "may not be read; check its permissions (devices: the group 'video')"),
    (
        (error.HTTPUnauthorizedError, error.HTTPForbiddenError),
        SourceError,
        "refuses access; check the user name and password in the URL",
    ),
    ((error.HTTPNotFoundError,), SourceError, "the server does not know that path (404)"),
    ((ConnectionRefusedError,), SourceError, "nothing listens there (connection refused)"),
    ((Exception,), SourceError, "cannot be read ({reason})"),
)
"""What is raised, as which of our errors it goes on, and what that says."""


def source_error(raised: Exception, name: str, settings: SourceSettings) -> SourceError:
    """Return the SourceError for what opening or reading `name` (redacted) raised."""
    kind, text = next((kind, text) for types, kind, text in _TEXTS if isinstance(raised, types))
    reason = getattr(raised, "strerror", None) or type(raised).__name__
    return kind(f"{name}: {text.format(open=settings.open_timeout, read=settings.read_timeout, reason=reason)}")
