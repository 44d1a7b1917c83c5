"""Reading training recipes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configs.errors import ConfigError
from configs.settings import FOLDER, describe, merge
from configs.training import TrainingSettings
from configs.yaml_file import read_yaml


def load_recipe(path: Path | None, task: str, overrides: Mapping[str, Any] | None = None) -> TrainingSettings:
    """Read the recipe at `path`, by default the one that ships for `task`, with `overrides` on top.

    Raises:
        ConfigError: it cannot be read, something in it is wrong, or it is for another task.
    """
    chosen = path or FOLDER / f"train-{task}.yaml"
    try:
        recipe = TrainingSettings.model_validate(merge(read_yaml(chosen), overrides or {}))
    except ValidationError as error:
        raise ConfigError(describe(error, str(chosen))) from None
    if recipe.task != task:
        message = f"{chosen}: is a recipe for '{recipe.task}', not for '{task}'"
        raise ConfigError(message)
    return recipe
