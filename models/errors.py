"""What can go wrong with networks, their weights and their training.

ModelError
├── UnknownModelError (KeyError)      no network of that name is registered
├── CheckpointError (ValueError)      a weights file is missing keys, truncated, or another network's
├── PluginError (ValueError)          a user's own .py or .onnx file cannot be used
├── ExportError (RuntimeError)        a network cannot be served by the chosen engine
└── TrainingDataError (ValueError)    labelled data is missing or unreadable
"""


class ModelError(Exception):
    """Anything raised by `models`."""


class UnknownModelError(ModelError, KeyError):
    """No network of that name is registered."""

    def __str__(self) -> str:
        """Return the message as it was given, without KeyError's quotes."""
        return str(self.args[0]) if self.args else ""


class CheckpointError(ModelError, ValueError):
    """A weights file cannot be loaded into the network it was named for."""


class PluginError(ModelError, ValueError):
    """A user's own .py or .onnx file is missing, fails, or is not what livesal can use."""


class ExportError(ModelError, RuntimeError):
    """A network cannot be served by the chosen engine."""


class TrainingDataError(ModelError, ValueError):
    """Labelled data is missing or unreadable."""
