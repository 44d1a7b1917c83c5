"""How a command fails: one clear line and an exit code that says which kind it was, never a traceback.

0  done
1  a defect of livesal: it asks to report it; `--verbose` shows the traceback
2  wrong use: option, argument or configuration
3  a source cannot be opened or read
4  a network or its weights cannot be used
5  an output, port or broker cannot be used
6  labelled data cannot be used
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
from rich.console import Console

from configs.errors import ConfigError
from models.errors import ModelError, TrainingDataError
from pipeline.cli.logs import hide
from pipeline.errors import JobError, PipelineError
from pipeline.evaluation.errors import EvaluationError, SelectionError
from pipeline.supervisor import first_cause
from stream.errors import SourceError, StreamError

_log = logging.getLogger("livesal.cli")

CODES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (ConfigError, 2),
    (JobError, 2),
    (SourceError, 3),
    (TrainingDataError, 6),
    (SelectionError, 2),
    (EvaluationError, 6),
    (ModelError, 4),
    (StreamError, 5),
    (PipelineError, 1),
)
"""Kinds of errors and their exit codes; the first that fits counts."""


@contextmanager
def reported() -> Iterator[None]:
    """Turn the errors that livesal raises on purpose into a message on standard error and an exit code.

    Raises:
        typer.Exit: with the code of the error.
    """
    try:
        yield
    except Exception as error:
        cause = first_cause(error)
        code = next((code for kind, code in CODES if isinstance(cause, kind)), None)
        if code is None:
            raise
        Console(stderr=True).print(f"[bold red]error:[/] {_escaped(hide(str(cause)))}", highlight=False, soft_wrap=True)
        raise typer.Exit(code) from None


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
