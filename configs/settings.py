"""The whole of livesal's settings, and how they are read.

Precedence: command line > environment (`LIVESAL_CAMERAS__FRONT__URL`) > YAML > defaults.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from configs.errors import ConfigError
from configs.events import EventSettings
from configs.method import AdaptationSettings, MethodSettings, RegionSettings
from configs.output import HttpSettings, LogSettings, MqttSettings, WebRtcSettings
from configs.source import SourceSettings
from configs.yaml_file import read_yaml

FOLDER = Path(__file__).parent
"""Where the configurations that ship are: `default.yaml`, `live.yaml`, `paper.yaml`, `base-networks.yaml`, recipes."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_SECRET = re.compile(r"url|password|token|options|secret|key|header|servers|credential|push")


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
    events: EventSettings = EventSettings()
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
    content = read_yaml(path) if path else {}
    return build_settings(content, merge(environment(), overrides or {}), str(path) if path else "settings")


def build_settings(content: Mapping[str, Any], overlay: Mapping[str, Any], origin: str) -> Settings:
    """Return the settings that `content` says with `overlay` on top; `origin` is how messages call it.

    Raises:
        ConfigError: with one line for each thing that is wrong, naming its key.
    """
    try:
        return Settings(**merge(content, overlay))
    except ValidationError as error:
        raise ConfigError(describe(error, origin)) from None


def environment() -> dict[str, Any]:
    """Return what variables such as `LIVESAL_CAMERAS__FRONT__URL` say, nested as in YAML.

    Raises:
        ConfigError: a list or mapping in them is no JSON.
    """
    try:
        return EnvSettingsSource(Settings)()
    except SettingsError:  # its text and its cause may hold the value, which may be a secret
        message = (
            "environment: a LIVESAL_… variable that stands for a list or a mapping is no JSON; "
            """write it such as LIVESAL_HTTP__TOKENS='["…"]'"""
        )
        raise ConfigError(message) from None


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
            found = "" if problem["type"] == "missing" else _shown(key, problem["input"])
            lines.append(f"{origin}: '{key}': {problem['msg']}{found}")
    return "\n".join(lines)


def _shown(key: str, found: Any) -> str:
    """Return what was found at `key` for a message; nothing that is or may hold a secret."""
    text = repr(found)
    if _SECRET.search(key.lower()) or "://" in text or "@" in text or isinstance(found, dict | list):
        return ""
    return f" (found {text})"
