"""Options that several commands share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from configs.errors import ConfigError

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="A YAML file with settings; see `livesal schema`.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        help="One setting, over all others: `-s method.flow=farneback`. May be given again.",
        metavar="KEY=VALUE",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def overrides(assignments: list[str] | None) -> dict[str, Any]:
    """Return `a.b=value` assignments as nested mappings, values read as YAML.

    Raises:
        ConfigError: an assignment has no `=`, no key or no YAML value.
    """
    result: dict[str, Any] = {}
    for assignment in assignments or ():
        key, found, value = assignment.partition("=")
        if not found or not key:
            message = f"--set {assignment}: expected KEY=VALUE, such as method.flow=farneback"
            raise ConfigError(message)
        section = result
        *parents, last = key.split(".")
        for parent in parents:
            section = section.setdefault(parent, {})
            if not isinstance(section, dict):
                message = f"--set {assignment}: '{parent}' was given a value already"
                raise ConfigError(message)
        try:
            section[last] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            message = f"--set {assignment}: '{value}' is no YAML value ({getattr(error, 'problem', error)})"
            raise ConfigError(message) from None
    return result


def with_camera(url: str, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `changes` with a camera `name` of `url` in place of all others."""
    return {**changes, "cameras": {name: {"url": url}}}
