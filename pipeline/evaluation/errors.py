"""What can go wrong with an evaluation as a whole; a single bad frame is a `Problem`, not an error.

EvaluationError
├── LayoutError (ValueError)      a data set is not laid out as was said, or in no known way
├── SelectionError (KeyError)     a layout, split, sequence or study that does not exist
└── MapsError (ValueError)        a folder of saliency maps fits no sequence of the data set
"""


class EvaluationError(Exception):
    """Anything raised by `pipeline.evaluation`."""


class LayoutError(EvaluationError, ValueError):
    """A data set is not laid out as was said, or in no known way."""


class SelectionError(EvaluationError, KeyError):
    """A layout, split, sequence or study that does not exist was asked for."""

    def __str__(self) -> str:
        """Return the message as it was given, without KeyError's quotes."""
        return str(self.args[0]) if self.args else ""


class MapsError(EvaluationError, ValueError):
    """A folder of saliency maps fits no sequence of the data set."""
