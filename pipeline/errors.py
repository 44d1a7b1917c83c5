"""What can go wrong in the pipeline.

PipelineError
├── RoundError (RuntimeError)   a round of retraining failed; the twin in service stays
├── JobError (ValueError)       a retraining job's folder is incomplete or damaged
├── BatchError (ValueError)     a batch of frames is asked for what it cannot do
└── BenchError (RuntimeError)   a benchmark could not be carried through
"""


class PipelineError(Exception):
    """Anything raised by `pipeline`."""


class RoundError(PipelineError, RuntimeError):
    """A round of retraining failed; the twin in service stays."""


class JobError(PipelineError, ValueError):
    """A retraining job's folder is incomplete or damaged."""


class BatchError(PipelineError, ValueError):
    """A batch of frames is asked for what it cannot do."""


class BenchError(PipelineError, RuntimeError):
    """A benchmark could not be carried through."""
