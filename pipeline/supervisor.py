"""Keeps a part of the service running: what fails is started again, with a back-off and a budget."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from configs.source import ReconnectSettings
from stream.backoff import Backoff

_log = logging.getLogger("livesal.supervisor")

RESTARTS: Final = ReconnectSettings.model_validate({"initial": 1.0, "maximum": 60.0})
"""Pauses between restarts."""
BUDGET: Final = 5
"""Failures in a row after which a part is given up."""
STEADY: Final = 60.0
"""Seconds without a failure after which earlier ones are forgotten."""


async def supervise(
    name: str,
    run: Callable[[], Awaitable[None]],
    on_failure: Callable[[str], None],
    *,
    fatal: tuple[type[Exception], ...] = (),
    restarts: ReconnectSettings = RESTARTS,
) -> None:
    """Run `run` until it returns; when it raises, tell, wait, and run it again, at most `BUDGET` times in a row.

    Args:
        name: of the part, for the log.
        run: the part.
        on_failure: told of each failure in one line, and of an empty one when the part runs again.
        fatal: errors that another try cannot mend: the part is given up at once.
        restarts: the pauses.
    """
    backoff = Backoff(restarts, Random())  # noqa: S311 - jitter is no secret
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        started = loop.time()
        try:
            await run()
        except Exception as error:
            if _is_cancelled():
                raise
            cause = first_cause(error)
            if loop.time() - started > STEADY:
                failures = 0
                backoff.reset()
            failures += 1
            on_failure(str(cause) or type(cause).__name__)
            if isinstance(cause, fatal) or failures >= BUDGET:
                _log.error("%s is given up: %s", name, cause, exc_info=None if isinstance(cause, fatal) else cause)
                return
            pause = backoff.next()
            _log.warning("%s failed (%s); it starts again in %.1f s", name, cause, pause, exc_info=cause)
            await asyncio.sleep(pause)
            on_failure("")
        else:
            return


def _is_cancelled() -> bool:
    """Say whether the current task was told to end: an error on the way out is no reason to start again."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def first_cause(error: BaseException) -> BaseException:
    """Return the first error inside nested groups of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
