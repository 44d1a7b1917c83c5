"""`livesal probe`, `validate`, `schema` and `models` from the command line."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.app import app
from tests.fakes.media import numbered, write_video

SECRET = "hunter2"  # noqa: S105 - looked for where it must not be


def livesal(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"} | environment)


def error_lines(result: Result) -> list[str]:
    """Return the message on standard error, which is no traceback."""
    assert isinstance(result.exception, SystemExit)
    first, *others = result.stderr.splitlines()
    assert first.startswith("error: ")
    return [first.removeprefix("error: "), *others]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_video(tmp_path / "clip.mp4", (numbered(number) for number in range(10)))
    return tmp_path / "clip.mp4"


def test_probe_says_what_a_file_is(clip: Path) -> None:
    result = livesal("probe", clip, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["width"], report["height"], report["frame_rate"], report["live"]) == (192, 96, 25, False)
    assert (report["codec"], report["duration"]) == ("h264", pytest.approx(0.4))
    shown = livesal("probe", clip)
    assert shown.exit_code == 0
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert ["codec", "h264"] in rows
    assert ["frame", "rate", "25"] in rows


def test_probe_knows_the_demo(clip: Path) -> None:
    result = livesal("probe", "demo://?width=320&height=180", "--json")
    assert clip.exists()
    assert (json.loads(result.stdout)["width"], json.loads(result.stdout)["format"]) == (320, "demo")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.mp4", "missing.mp4: there is no such file or folder"),
        ("corrupt.mp4", "corrupt.mp4"),
        ("empty", "empty"),
        ("gopher://host/x", "'gopher://' is no kind of source"),
        ("demo://?colour=red", "the demo has no parameter 'colour'"),
        ("rtsp://127.0.0.1:9/stream", "rtsp://127.0.0.1:9/stream"),
        ("", "the source's url is empty"),
    ],
)
def test_what_cannot_be_probed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("corrupt.mp4").write_bytes(os.urandom(4096))
    Path("empty").mkdir()
    result = livesal("probe", source, "--timeout", "2")
    assert result.exit_code == 3
    (line,) = error_lines(result)
    assert message in line


def test_a_password_in_a_url_reaches_no_message() -> None:
    result = livesal("probe", f"rtsp://admin:{SECRET}@127.0.0.1:9/stream", "--timeout", "2")
    assert result.exit_code == 3
    assert SECRET not in result.output
    assert "127.0.0.1:9/stream" in result.stderr


def test_validate_counts_the_cameras_and_shows_no_password(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "cameras:\n  door: {url: 'rtsp://admin:${DOOR_PASSWORD}@192.0.2.10/stream1'}\n  yard: {url: yard.mp4}\n"
    )
    result = livesal("validate", tmp_path / "c.yaml", DOOR_PASSWORD=SECRET)
    assert result.exit_code == 0
    first, door, yard = result.stdout.splitlines()
    assert first == f"{tmp_path}/c.yaml is valid: 2 cameras"
    assert door.startswith("  door: rtsp://")
    assert door.endswith("@192.0.2.10/stream1")
    assert yard == "  yard: yard.mp4"
    assert SECRET not in result.output


@pytest.mark.parametrize(
    ("content", "code", "messages"),
    [
        ("cameras: {door: {url: a.mp4, loop: 7}}", 2, ["'cameras.door.loop': "]),
        ("method: {colr: x}\nmqqt: {}", 2, ["unknown key 'method.colr'", "unknown key 'mqqt'"]),
        ("cameras: {Door: {url: a.mp4}}", 2, ["camera name 'Door' cannot be a topic and a URL"]),
        ("cameras: {door: {}}", 2, ["'cameras.door.url': Field required"]),
        ("cameras: {door: {url: '${NOT_SET_ANYWHERE}'}}", 2, ["${NOT_SET_ANYWHERE}, which is not set"]),
        ("cameras: {door: {url: 'gopher://host/x'}}", 3, ["'gopher://' is no kind of source"]),
        ("- a list", 2, ["expected a mapping such as 'cameras: …' at the top, found list"]),
        ("method: {size: [300]}", 2, ["'method.size.1': Field required"]),
    ],
)
def test_what_is_wrong_with_a_configuration_is_said_a_line_each(
    tmp_path: Path, content: str, code: int, messages: list[str]
) -> None:
    (tmp_path / "c.yaml").write_text(content)
    result = livesal("validate", tmp_path / "c.yaml")
    assert result.exit_code == code
    lines = error_lines(result)
    assert len(lines) == len(messages)
    for line, message in zip(lines, messages, strict=True):
        assert message in line


def test_a_configuration_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = livesal("validate", tmp_path / "nonesuch.yaml")
    assert result.exit_code == 2
    assert error_lines(result) == [f"{tmp_path}/nonesuch.yaml: cannot be read (No such file or directory)"]


def test_the_schema_names_every_section_with_its_meaning() -> None:
    result = livesal("schema")
    assert result.exit_code == 0
    schema = json.loads(result.stdout)
    assert {"cameras", "method", "adaptation", "regions", "http", "webrtc", "mqtt", "log"} <= set(schema["properties"])
    assert schema["$defs"]["RetrainingSettings"]["properties"]["momentum"]["description"] == "SGD's momentum"
    assert schema["additionalProperties"] is False


def test_models_lists_every_network_and_whether_its_weights_are_here(tmp_path: Path) -> None:
    result = livesal("models", "--json", LIVESAL_WEIGHTS=str(tmp_path))
    assert result.exit_code == 0
    networks = {network["name"]: network for network in json.loads(result.stdout)}
    assert networks["livesal-colour"]["state"] == networks["livesal-motion"]["state"] == "ready"
    assert (networks["u2netp"]["state"], networks["dis"]["state"]) == ("missing", "none needed")
    shown = livesal("models", LIVESAL_WEIGHTS=str(tmp_path))
    assert shown.exit_code == 0
    assert f"weights folder: {tmp_path}" in shown.stdout
    assert "livesal-colour" in shown.stdout
