"""YAML files with references to the environment in them."""

import os
import re
from pathlib import Path
from typing import Any

import yaml

from configs.errors import ConfigError

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A variable of the environment inside a text."""


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in the YAML file at `path`, each `${NAME}` replaced from the environment.

    Raises:
        ConfigError: no such file, no valid YAML, not a mapping, or a variable that is not set.
    """
    return resolve(parse_yaml(read_text(path), str(path)), str(path))


def read_text(path: Path) -> str:
    """Return the text of the file at `path`.

    Raises:
        ConfigError: no such file, or no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror})"
        raise ConfigError(message) from None
    except UnicodeDecodeError as error:
        message = f"{path}: is no valid YAML: {error}"
        raise ConfigError(message) from None


def parse_yaml(text: str, origin: str) -> dict[str, Any]:
    """Return the mapping that `text` is, as it was written; `origin` is how messages call it.

    Raises:
        ConfigError: no valid YAML, or not a mapping.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        message = f"{origin}: is no valid YAML: {_where(error)}"
        raise ConfigError(message) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        message = f"{origin}: expected a mapping such as 'cameras: …' at the top, found {type(content).__name__}"
        raise ConfigError(message)
    return {str(key): value for key, value in content.items()}


def resolve(value: Any, origin: str) -> Any:
    """Return `value` with each `${NAME}` in its texts replaced from the environment.

    Raises:
        ConfigError: a variable is not set.
    """
    if isinstance(value, dict):
        return {key: resolve(item, origin) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, origin) for item in value]
    return REFERENCE.sub(lambda match: _variable(match[1], origin), value) if isinstance(value, str) else value


def _variable(name: str, origin: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        message = f"{origin}: refers to ${{{name}}}, which is not set in the environment"
        raise ConfigError(message) from None


def _where(error: yaml.YAMLError) -> str:
    """Return what is wrong with YAML and where; not the line itself, which may hold a secret."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return str(error)
    mark = error.problem_mark
    return f"{error.problem} (line {mark.line + 1}, column {mark.column + 1})"
