"""`livesal serve` and `livesal demo`: bad input, and a whole short life."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline import service
from pipeline.cli.app import app
from tests.fakes.frames import picture
from tests.fakes.media import write_video
from tests.fakes.served import FakeNetworks

CHANGES = ("http.port=0", "method.size=[64, 96]", "method.flow_scale=1.0", "adaptation.enabled=false")
QUICK = [part for change in CHANGES for part in ("-s", change)]


def livesal(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"} | environment)


def one_line(result: Result) -> str:
    """Return the only line on standard error, which is a message and no traceback."""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert isinstance(result.exception, SystemExit)
    return line.removeprefix("error: ")


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that need not be built."""
    monkeypatch.setattr(service, "Networks", lambda method, _: FakeNetworks(method))


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def config(folder: Path, content: str) -> Path:
    (folder / "c.yaml").write_text(content)
    return folder / "c.yaml"


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("log: {level: INFO}", 2, "names no camera; add one, such as 'cameras: {door: {url: rtsp://…}}'"),
        ("method: {colr: x}", 2, "unknown key 'method.colr'; `livesal schema` lists the known ones"),
        ("cameras: {door: {url: 'ftp://host/x'}}", 3, "'ftp://' is no kind of source"),
        ("{cameras: {door: {url: 'demo://'}}, method: {colour: nonesuch}}", 4, "network is named 'nonesuch'"),
        ("{cameras: {door: {url: 'demo://'}}, method: {colour: u2netp}}", 4, "is missing: get "),
    ],
)
def test_bad_input_is_one_line_and_a_code_that_says_which(
    tmp_path: Path, content: str, code: int, message: str
) -> None:
    result = livesal("serve", config(tmp_path, content), *QUICK, LIVESAL_WEIGHTS=str(tmp_path))
    assert result.exit_code == code
    assert message in one_line(result)


def test_a_missing_configuration_is_one_line(tmp_path: Path) -> None:
    result = livesal("serve", tmp_path / "nonesuch.yaml")
    assert result.exit_code == 2
    assert "nonesuch.yaml: cannot be read" in one_line(result)


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_one_line_with_the_way_out(tmp_path: Path, taken: int, command: str) -> None:
    asked = ["demo", "--port", str(taken), "-s", "mqtt.host=127.0.0.1"]
    if command == "serve":
        path = config(tmp_path, f"{{cameras: {{door: {{url: 'demo://'}}}}, http: {{port: {taken}}}}}")
        asked = ["serve", str(path)]
    result = livesal(*asked)
    assert result.exit_code == 5
    assert f"port {taken} of 127.0.0.1 is in use by another program" in one_line(result)
    assert "http.port" in one_line(result)


def test_a_source_that_the_demo_cannot_show_is_one_line() -> None:
    result = livesal("demo", "ftp://host/x", "--port", "0")
    assert result.exit_code == 3
    assert "'ftp://' is no kind of source" in one_line(result)


@pytest.mark.usefixtures("_quick")
def test_serving_a_clip_ends_with_the_clip(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", (picture(number) for number in range(5)))
    result = livesal("serve", config(tmp_path, f"cameras: {{door: {{url: {tmp_path}/clip.mp4}}}}"), *QUICK)
    assert result.exit_code == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if not line.startswith("door: ")]
    assert lines[0] == "loading networks …"
    assert lines[1].startswith("preview: http://127.0.0.1:")
    assert lines[-2:] == ["stopping …", "stopped"]


@pytest.mark.usefixtures("_quick")
def test_cameras_that_are_all_not_there_end_the_service_and_are_named(tmp_path: Path) -> None:
    result = livesal("serve", config(tmp_path, f"cameras: {{door: {{url: {tmp_path}/missing.mp4}}}}"), *QUICK)
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1].endswith(f"door: {tmp_path}/missing.mp4: there is no such file or folder")
    assert "Traceback" not in result.output


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_demo_cleanly(number: signal.Signals) -> None:
    command = [Path(sys.executable).with_name("livesal"), "demo", "demo://?width=96&height=64&fps=5", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    with subprocess.Popen(
        [*command, *QUICK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        watchdog = threading.Timer(55, process.kill)
        watchdog.start()
        try:
            for line in process.stdout:
                if line.startswith("MQTT:"):
                    process.send_signal(number)
                    break
            rest, errors = process.communicate()
        finally:
            watchdog.cancel()
            process.kill()
    assert process.returncode == 0, errors
    assert rest.splitlines()[-2:] == ["stopping …", "stopped"]
    assert errors == ""
