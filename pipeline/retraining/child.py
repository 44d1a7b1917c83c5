"""The retraining child: `python -m pipeline.retraining.child`, one thread, lowest priority.

It reads job folders from standard input, a line each, and writes JSON lines to standard output:
`{"ready": true}`, `{"looking": true}` before each keyframe that it looks at closely, `{"iteration": i, "iterations": n,
"loss": x}`, then `{"report": {…}}` or `{"error": "…"}`.
When standard input ends, its parent is gone and so is it.
"""

import json
import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from pipeline.allocation import keep_memory

REPORT_EVERY = 8
"""Iterations between two lines of progress."""


def main() -> None:
    """Do jobs until standard input ends."""
    lower_priority()
    stay_on_one_core()
    keep_memory()
    jobs: SimpleQueue[Path] = SimpleQueue()
    threading.Thread(target=_read_jobs, args=(jobs,), name="jobs", daemon=True).start()

    import torch  # noqa: PLC0415 - after the priority is lowered: importing takes seconds

    from models.denormals import flush_denormals  # noqa: PLC0415
    from pipeline.retraining.job import read_job, write_result  # noqa: PLC0415
    from pipeline.retraining.run_job import run_job  # noqa: PLC0415

    torch.set_num_threads(1)
    flush_denormals()
    _tell({"ready": True})
    while True:
        folder = jobs.get()
        try:
            job = read_job(folder)
            done = run_job(job, lambda step: _progress(asdict(step)), on_label=lambda: _tell({"looking": True}))
            write_result(folder, done)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in a round is the parent's to know
            _tell({"error": f"{type(error).__name__}: {error}"})
        else:
            _tell({"report": asdict(done.report)})


def lower_priority() -> None:
    """Run only when nothing else wants the core; where the system refuses, at the lowest ordinary priority."""
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except OSError:
        os.nice(19)


def stay_on_one_core() -> None:
    """Keep to the last core that this process may use.

    Wandering between two cores that frames are analysed on, it takes the caches of both, and a frame takes 1.4 times as
    long.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _read_jobs(jobs: SimpleQueue[Path]) -> None:
    for line in sys.stdin:
        jobs.put(Path(line.rstrip("\n")))
    os._exit(0)


def _progress(step: dict[str, Any]) -> None:
    if step["iteration"] % REPORT_EVERY == 0 or step["iteration"] == step["iterations"]:
        _tell(step)


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
