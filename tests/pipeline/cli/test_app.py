"""The `livesal` command as a whole: quick, taught by its help, one line where it fails."""

import inspect
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.cli.commands import COMMANDS

HEAVY = ("torch", "onnxruntime", "matplotlib", "fastapi", "aiortc", "scipy", "av", "cv2")


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["--help"], ()),
        (["--version"], ()),
        ([], ()),
        (["nonesuch"], ()),
        (["schema"], ("av", "cv2")),
        (["validate", "nonesuch.yaml"], ("av", "cv2")),
    ],
)
def test_nothing_heavy_is_imported_before_a_command_needs_it(arguments: list[str], loaded: tuple[str, ...]) -> None:
    code = (
        "import sys\n"
        "from pipeline.cli import main\n"
        f"sys.argv = ['livesal', *{arguments!r}]\n"
        "try:\n    main()\n"
        f"finally:\n    print('LOADED', *(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False)
    assert done.stdout, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["LOADED", *loaded]


def test_the_help_lists_every_command_with_the_first_words_of_its_own() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    for name, listed in COMMANDS.items():
        function = getattr(import_module(f"pipeline.cli.{listed.module}"), name)
        first = (inspect.getdoc(function) or "").split("\n\n", 1)[0].replace("\n", " ")
        assert listed.summary == first
        assert f" {name} " in shown.stdout
        assert listed.summary.split(":")[0] in shown.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "-h"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert f"Usage: livesal {name}" in shown.stdout
    assert COMMANDS[name].summary.split(":")[0] in shown.stdout
    assert "--install-completion" not in shown.stdout


def test_a_misspelt_command_is_wrong_use_and_the_right_one_is_named() -> None:
    result = CliRunner().invoke(app, ["prob"])
    assert result.exit_code == 2
    assert "Did you mean 'probe'?" in result.stderr


def test_the_version_is_the_installed_one() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"livesal {version('livesal')}\n")
