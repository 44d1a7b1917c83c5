"""What can go wrong with a configuration.

ConfigError (ValueError)
"""


class ConfigError(ValueError):
    """A configuration file is missing, malformed, or says something that cannot be."""
