"""What can go wrong between livesal and the outside world.

    StreamError
    ├── ClosedChannelError (RuntimeError)   something was sent to a channel that is closed
    ├── SourceError (OSError)               a source cannot be opened or read
    │   ├── UnsupportedSourceError          no such kind of source, or this build of FFmpeg cannot read it
    │   └── CorruptSourceError              what was opened is no usable video
    ├── SessionError (ValueError)           an offer cannot be answered
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


class SessionError(StreamError, ValueError):
    """A WebRTC offer cannot be answered."""


class BrokerError(StreamError, ConnectionError):
    """The MQTT broker cannot be reached or refuses."""
