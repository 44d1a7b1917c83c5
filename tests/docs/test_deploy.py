"""What `deploy/` holds, as far as it can be checked without building an image: paths, commands, settings, broker."""

import os
import re
import shlex
import socket
import subprocess
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs.settings import load_settings
from pipeline.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions and what follows each."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def of_kind(kind: str) -> list[str]:
    return [rest for word, rest in instructions() if word == kind]


def copied() -> list[str]:
    """Return what is copied from the repository."""
    copies = [shlex.split(rest) for rest in of_kind("COPY") if "--from=" not in rest]
    return [source for words in copies for source in words[:-1]]


def test_everything_that_is_copied_is_there_and_reaches_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "*" in lines
    assert all((ROOT / name).exists() for name in kept)
    for source in copied():
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in kept, f"{source} is left out by .dockerignore"


def test_the_image_has_all_that_the_package_is_made_of() -> None:
    packages = {pattern.rstrip("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    files = {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"], "pyproject.toml", "constraints.txt"}
    assert packages | files <= set(copied())


def test_the_image_is_set_up_by_the_script_that_sets_up_everything_else() -> None:
    (setup, user) = of_kind("RUN")
    words = shlex.split(setup)
    assert words == ["EXTRAS=", "scripts/setup", ".venv"]
    assert user.startswith("useradd")
    (entry,) = of_kind("ENTRYPOINT")
    assert yaml.safe_load(entry) == [f"{of_kind('WORKDIR')[0]}/{words[2]}/bin/livesal"]
    (command,) = of_kind("CMD")
    assert yaml.safe_load(command)[0] in COMMANDS
    assert of_kind("USER") == ["livesal"]


def test_both_stages_have_one_python_that_livesal_runs_on() -> None:
    images = {rest.split()[0] for rest in of_kind("FROM")}
    assert len(images) == 1, "a virtual environment works with the Python that made it only"
    (version,) = re.findall(r"python:(\d+)\.(\d+)", images.pop())
    assert tuple(map(int, version)) >= (3, 11)
    assert PROJECT["project"]["requires-python"] == ">=3.11"


@pytest.mark.parametrize(("extras", "installed"), [(None, ".[dev]"), ("", "."), ("dev", ".[dev]")])
def test_the_script_leaves_out_what_only_development_needs(extras: str | None, installed: str, tmp_path: Path) -> None:
    """Run the script with an environment whose Python says what it was called with."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "EXTRAS"}
    if extras is not None:
        environment["EXTRAS"] = extras
    said = subprocess.run(
        [ROOT / "scripts" / "setup", tmp_path], env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()[0]
    assert said.split()[-2:] == ["-e", installed]
    assert "-c constraints.txt" in said


def test_the_containers_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    compose: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    services = compose["services"]
    assert set(services) == {"livesal", "mosquitto", "mediamtx"}
    own = services["livesal"]
    assert set(own["depends_on"]) <= set(services)
    assert (DEPLOY / own["build"]["context"] / own["build"]["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    mounts = [mount.split(":") for service in services.values() for mount in service.get("volumes", [])]
    for source, target, *_ in mounts:
        assert (DEPLOY / source).is_file() if source.startswith("./") else source in compose["volumes"], source
        assert target.startswith("/")
    variables = set(re.findall(r"\$\{(\w+)", (DEPLOY / "cameras.yaml").read_text(encoding="utf-8")))
    assert variables == set(own["environment"])
    monkeypatch.setenv("LIVESAL_TOKEN", "a long secret")
    settings = load_settings(DEPLOY / "cameras.yaml")
    assert [str(settings.http.port)] == of_kind("EXPOSE")
    assert f":{settings.http.port}/healthz" in of_kind("HEALTHCHECK")[0]
    assert str(settings.adaptation.memory).startswith(of_kind("VOLUME")[0])
    assert {service["network_mode"] for service in services.values()} == {"host"}


@pytest.mark.integration
def test_the_broker_takes_its_configuration(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = (DEPLOY / "mosquitto.conf").read_text(encoding="utf-8")
    assert "listener 1883 127.0.0.1" in text
    path = tmp_path / "mosquitto.conf"
    path.write_text(text.replace("1883", str(port)).replace("/mosquitto/data", str(tmp_path)), encoding="utf-8")
    with subprocess.Popen(["mosquitto", "-c", path], stderr=subprocess.PIPE) as broker:
        try:
            while broker.poll() is None and not _listens(port):
                time.sleep(0.01)
            assert broker.poll() is None, broker.stderr
        finally:
            broker.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
