"""The whole of livesal's settings, and how they are read.

Precedence: command line > environment (`LIVESAL_CAMERAS__FRONT__URL`) > YAML > defaults.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from configs.errors import ConfigError
from configs.method import AdaptationSettings, MethodSettings, RegionSettings
from configs.output import HttpSettings, LogSettings, MqttSettings, WebRtcSettings
from configs.source import SourceSettings

FOLDER = Path(__file__).parent
"""Where the configurations that ship are: `default.yaml`, `live.yaml`, `paper.yaml`."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_SECRET = ("url", "password", "token", "credential")
"""Parts of the names of keys whose values are not shown."""
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="LIVESAL_", env_nested_delimiter="__", extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    cameras: dict[str, SourceSettings] = Field(
        default={}, description="Cameras by name: lower-case letters, digits, - and _"
    )
    method: MethodSettings = MethodSettings()
    adaptation: AdaptationSettings = AdaptationSettings()
    regions: RegionSettings = RegionSettings()
    http: HttpSettings = HttpSettings()
    webrtc: WebRtcSettings = WebRtcSettings()
    mqtt: MqttSettings = MqttSettings()
    log: LogSettings = LogSettings()

    @field_validator("cameras")
    @classmethod
    def _usable_names(cls, cameras: dict[str, SourceSettings]) -> dict[str, SourceSettings]:
        for name in cameras:
            if not _NAME.fullmatch(name):
                message = f"camera name '{name}' cannot be a topic and a URL: use lower-case letters, digits, - and _"
                raise ValueError(message)
        return cameras

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load_settings` has merged and nothing else, so that a test's settings are what it wrote."""
        return (init_settings,)


def load_settings(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read settings from YAML, then the environment, then `overrides` (nested as in YAML; the command line's).

    Raises:
        ConfigError: with one line for each thing that is wrong, naming its key.
    """
    environment = EnvSettingsSource(Settings)()
    merged = merge(merge(read_yaml(path) if path else {}, environment), overrides or {})
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise ConfigError(describe(error, str(path) if path else "settings")) from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in the YAML file at `path`, each `${NAME}` replaced from the environment.

    Raises:
        ConfigError: no such file, no valid YAML, not a mapping, or a variable that is not set.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror})"
        raise ConfigError(message) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{path}: is no valid YAML: {error}"
        raise ConfigError(message) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        message = f"{path}: expected a mapping such as 'cameras: …' at the top, found {type(content).__name__}"
        raise ConfigError(message)
    resolved = _resolve(content, path)
    return {str(key): value for key, value in resolved.items()}


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `over` laid on top, mappings merged key by key."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def describe(error: ValidationError, origin: str) -> str:
    """Return one line a problem: where it was written, its key, what was found and what would be right."""
    lines = []
    for problem in error.errors(include_url=False, include_context=False):
        key = ".".join(str(part) for part in problem["loc"]) or "the whole"
        if problem["type"] == "extra_forbidden":
            lines.append(f"{origin}: unknown key '{key}'; `livesal schema` lists the known ones")
        else:
            # a whole section may hold a secret as well
            secret = any(word in key for word in _SECRET) or isinstance(problem["input"], Mapping)
            found = "" if secret else f" (found {problem['input']!r})"
            lines.append(f"{origin}: '{key}': {problem['msg']}{found}")
    return "\n".join(lines)


def _resolve(value: Any, path: Path) -> Any:
    if isinstance(value, dict):
        return {key: _resolve(item, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, path) for item in value]
    return _REFERENCE.sub(lambda match: _variable(match[1], path), value) if isinstance(value, str) else value


def _variable(name: str, path: Path) -> str:
    try:
        return os.environ[name]
    except KeyError:
        message = f"{path}: refers to ${{{name}}}, which is not set in the environment"
        raise ConfigError(message) from None
