"""What can go wrong between livesal and the outside world.

StreamError
├── ClosedChannelError (RuntimeError)   something was sent to a channel that is closed
├── SourceError (OSError)               a source cannot be opened or read
│   ├── UnsupportedSourceError          no such kind of source, or this build of FFmpeg cannot read it
│   ├── CorruptSourceError              what was opened is no usable video
│   └── SilentSourceError (TimeoutError)  it does not answer, or sends nothing, for too long
├── OutputError (OSError)               a video cannot be written
├── SessionError (ValueError)           an offer is malformed
│   └── UnplayableOfferError            an offer is well-formed, but nothing of ours fits it
├── UnknownNameError (KeyError)         no camera, view, session or keyframe of that name
├── NoSignalError (RuntimeError)        a camera gives no picture now
├── TooManyViewersError (RuntimeError)  the limit of viewers is reached
├── CameraTakenError (RuntimeError)     a camera has a publisher already
├── PushError (ConnectionError)         an SFU does not take a view, or lost it
├── AddressInUseError (OSError)         another program listens on that address
└── BrokerError (ConnectionError)       the MQTT broker cannot be reached or refuses
"""


class StreamError(Exception):
    """Anything raised by `stream`."""


class ClosedChannelError(StreamError, RuntimeError):
    """Something was sent to a channel that is closed."""


class SourceError(StreamError, OSError):
    """A source cannot be opened or read."""


class UnsupportedSourceError(SourceError):
    """No such kind of source, or this build of FFmpeg cannot read it."""


class CorruptSourceError(SourceError):
    """What was opened holds no usable video."""


class SilentSourceError(SourceError, TimeoutError):
    """A source does not answer, or sends nothing, for too long."""


class OutputError(StreamError, OSError):
    """A video cannot be written."""


class SessionError(StreamError, ValueError):
    """A WebRTC offer is malformed."""


class UnplayableOfferError(SessionError):
    """A WebRTC offer is well-formed, but nothing of ours fits it."""


class UnknownNameError(StreamError, KeyError):
    """No camera, view, session or keyframe of that name."""

    def __str__(self) -> str:
        """Return the message as it was given, without KeyError's quotes."""
        return str(self.args[0]) if self.args else ""


class NoSignalError(StreamError, RuntimeError):
    """A camera gives no picture now."""


class TooManyViewersError(StreamError, RuntimeError):
    """The limit of viewers is reached."""


class CameraTakenError(StreamError, RuntimeError):
    """A camera has a publisher already."""


class PushError(StreamError, ConnectionError):
    """An SFU does not take a view, or the connection to it was lost.

    Attributes:
        retry_after: seconds that the SFU wants to be left alone; 0 if it does not say.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        """Make an error that says what happened and when to try again."""
        super().__init__(message)
        self.retry_after = retry_after


class AddressInUseError(StreamError, OSError):
    """Another program listens on that address."""


class BrokerError(StreamError, ConnectionError):
    """The MQTT broker cannot be reached or refuses."""
