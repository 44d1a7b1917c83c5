"""What a result depends on, as a short text: a change of any of it makes the result be found anew."""

import hashlib
import json
from functools import cache
from pathlib import Path

from models.errors import ModelError
from models.loading import files_of
from pipeline.evaluation.runner import RunPlan
from pipeline.retraining.teacher import TeacherPlan

_PACKAGES = ("configs", "models", "pipeline")
_PRESENTATION = frozenset({"cli", "reproduce", "report.py", "plots.py", "course_plot.py", "captions.py", "tables.py"})
"""Folders and files that show results but do not bring them about."""


def fingerprint(plan: RunPlan, *more: object) -> str:
    """Return a digest of the plan, of the weights' files, of livesal's own code, and of whatever `more` says."""
    method, adaptation = plan.settings.method, plan.settings.adaptation
    content = {
        "mode": plan.mode,
        "method": method.model_dump(mode="json"),
        "adaptation": adaptation.model_dump(mode="json"),
        "round_seconds": plan.round_seconds,
        "frame_rate": plan.frame_rate,
        "weights": [_weights(name) for name in _networks(plan)],
        "code": code_digest(),
        "more": [str(one) for one in more],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@cache
def code_digest() -> str:
    """Return a digest of the source files that results depend on."""
    digest = hashlib.sha256()
    top = Path(__file__).parents[2]
    for package in _PACKAGES:
        for path in sorted((top / package).rglob("*.py")):
            if _PRESENTATION.intersection(path.relative_to(top).parts):
                continue
            digest.update(path.relative_to(top).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _networks(plan: RunPlan) -> tuple[str, ...]:
    """Return the networks that serve and, where another labels keyframes, that one."""
    method = plan.settings.method
    teacher = TeacherPlan.of(method, plan.settings.adaptation)
    return (method.colour, method.motion, *((teacher.colour, teacher.motion) if teacher else ()))


def _weights(spec: str) -> str:
    """Return the files of a network, their sizes and times; just its name where there are none."""
    try:
        facts = [(path, path.stat()) for path in files_of(spec)]
    except (ModelError, OSError):
        return spec
    return " ".join(f"{path}:{fact.st_size}:{fact.st_mtime_ns}" for path, fact in facts)
