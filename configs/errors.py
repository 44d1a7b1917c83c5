"""What can go wrong with a configuration.

ConfigError (ValueError)
├── CameraExistsError       a camera of that name is there already
├── PinnedError             the command line or the environment says otherwise
└── NotKeptError (OSError)  a change cannot be written to the configuration file
"""


class ConfigError(ValueError):
    """A configuration file is missing, malformed, or says something that cannot be."""


class CameraExistsError(ConfigError):
    """A camera of that name is there already."""


class PinnedError(ConfigError):
    """The command line or the environment, which come first, say otherwise."""


class NotKeptError(ConfigError, OSError):
    """A change cannot be written to the configuration file."""
