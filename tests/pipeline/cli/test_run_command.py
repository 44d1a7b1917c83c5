"""`livesal run` from the command line: what it writes, and how it fails."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from typer.testing import CliRunner, Result

from pipeline import offline
from pipeline.cli.app import app
from tests.fakes.frames import picture
from tests.fakes.media import write_video
from tests.fakes.retraining import FakeWorker
from tests.fakes.served import FakeNetworks

FRAMES = 12
SMALL = ("-s", "method.size=[64, 96]", "-s", "method.flow_scale=1.0")
SUMMARY = ["frames", "seconds", "fps", "keyframes", "retrainings", "swaps", "rejected", "stages_ms"]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_video(tmp_path / "clip.mp4", (picture(number) for number in range(FRAMES)))
    return tmp_path / "clip.mp4"


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that need not be built, and no child."""
    monkeypatch.setattr(offline, "RetrainingWorker", FakeWorker)
    monkeypatch.setattr(offline, "Networks", lambda method, _: FakeNetworks(method))


def livesal(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


def one_line(result: Result) -> str:
    """Return the only line on standard error, which is a message and no traceback."""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert isinstance(result.exception, SystemExit)
    return line.removeprefix("error: ")


@pytest.mark.timeout(180)  # the child gets only what other processes leave of the machine
def test_a_clip_with_the_networks_that_ship_and_a_real_round(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "quick.yaml").write_text(
        "method: {size: [64, 96], flow_scale: 1.0, keyframe_threshold: 1.0}\n"
        "adaptation: {window: {spacing: 0}, first_keyframes: 6, new_keyframes: 100,"
        " retraining: {iterations_per_keyframe: 2}}\n"
    )
    result = livesal("run", clip, "-o", tmp_path / "out.mp4", "--json", "-c", tmp_path / "quick.yaml")
    assert result.exit_code == 0, result.stderr
    *frames, summary = [json.loads(line) for line in result.stdout.splitlines()]
    assert [frame["frame"] for frame in frames] == list(range(FRAMES))
    assert list(summary) == SUMMARY
    assert (summary["frames"], summary["retrainings"]) == (FRAMES, 1)
    assert summary["swaps"] + summary["rejected"] == 1
    kinds = [event["type"] for frame in frames for event in frame["events"] if "media_time" in event]
    rounds = [kind for kind in kinds if kind != "keyframe"]
    assert rounds == ["retraining-started", "retraining-finished", "swapped" if summary["swaps"] else "rejected"]
    assert frames[-1]["model_version"] == summary["swaps"]
    with av.open(str(tmp_path / "out.mp4")) as made:
        times = [frame.pts * frame.time_base for frame in made.decode(video=0)]
    assert times == [Fraction(number, 25) for number in range(FRAMES)]


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("output", ["out.mp4", "out.mkv", "maps", "out.jsonl"])
def test_every_form_of_output_holds_every_frame(clip: Path, tmp_path: Path, output: str) -> None:
    result = livesal("run", clip, "-o", tmp_path / output, "--view", "mosaic", *SMALL)
    assert result.exit_code == 0, result.stderr
    assert f"{FRAMES} frames in " in result.stdout
    assert f"written to {tmp_path / output}" in result.stdout
    assert _count(tmp_path / output) == FRAMES


@pytest.mark.usefixtures("_quick")
def test_without_an_output_nothing_is_kept_and_json_stays_clean(clip: Path, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    result = livesal("run", clip, "--json", *SMALL)
    assert result.exit_code == 0
    assert len([json.loads(line) for line in result.stdout.splitlines()]) == FRAMES + 1
    assert set(tmp_path.iterdir()) == before


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["missing.mp4"], 3, "missing.mp4: there is no such file or folder"),
        (["corrupt.mp4"], 3, "corrupt.mp4: "),
        (["ftp://host/clip.mp4"], 3, "'ftp://' is no kind of source; there are: demo, file, rtsp"),
        (["whip://"], 3, "whip:// takes its pictures from a publisher over HTTP: make it a camera of `livesal serve`"),
        (["clip.mp4", "-c", "unknown.yaml"], 2, "unknown.yaml: unknown key 'method.colr'"),
        (["clip.mp4", "-c", "nonesuch.yaml"], 2, "nonesuch.yaml: cannot be read (No such file or directory)"),
        (["clip.mp4", "-s", "method.size"], 2, "--set method.size: expected KEY=VALUE"),
        (["clip.mp4", "-s", "method.area=[1"], 2, "--set method.area=[1: '[1' is no YAML value"),
        (["clip.mp4", "-o", "out.mp3"], 5, "nothing is written as '.mp3'; use one of .jsonl, .mp4"),
        (["clip.mp4", "-o", "./clip.mp4"], 5, "clip.mp4: is the input itself, which would be lost"),
        (["clip.mp4", "-o", "clip.mp4/out.mp4"], 5, "clip.mp4/out.mp4: the video cannot be written"),
        (["clip.mp4", "-o", "clip.mp4/maps"], 5, "clip.mp4/maps: cannot be made a folder"),
        (["clip.mp4", "-o", "nowhere/out.jsonl"], 5, "nowhere/out.jsonl: cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_a_code_that_says_which(
    clip: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(clip.parent)
    Path("corrupt.mp4").write_bytes(os.urandom(4096))
    Path("unknown.yaml").write_text("method: {colr: x}\n")
    Path("earlier.jsonl").write_text("kept")
    before = clip.read_bytes()
    result = livesal("run", *(arguments if "-o" in arguments else [*arguments, "-o", "earlier.jsonl"]))
    assert result.exit_code == code, result.output
    assert message in one_line(result)
    assert clip.read_bytes() == before
    assert Path("earlier.jsonl").read_text() == "kept", "what is not begun overwrites nothing"


@pytest.mark.parametrize("option", ["method.colour", "method.motion", "method.flow"])
def test_an_unknown_network_is_one_line_with_those_that_are_known(clip: Path, option: str) -> None:
    result = livesal("run", clip, "-s", f"{option}=nonesuch", *SMALL)
    assert result.exit_code == 4
    assert "named 'nonesuch'; there are: " in one_line(result)


def test_missing_weights_are_one_line_with_where_to_get_them(clip: Path, tmp_path: Path) -> None:
    arguments = ["run", str(clip), "-s", "method.colour=u2netp"]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "LIVESAL_WEIGHTS": str(tmp_path)})
    assert result.exit_code == 4
    assert f"{tmp_path}/u2netp" in one_line(result)
    assert "is missing: get " in one_line(result)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clip.mp4", "--view", "nonesuch"], "'nonesuch' is no view; choose one of source, motion"),
        (["clip.mp4", "--width", "3"], "Invalid value for '--width'"),
        ([], "Missing argument 'INPUT'"),
    ],
)
def test_wrong_use_is_explained(arguments: list[str], message: str) -> None:
    result = livesal("run", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("_quick")
def test_a_clip_that_breaks_off_gives_what_there_was(clip: Path, tmp_path: Path) -> None:
    stream = tmp_path / "clip.ts"
    write_video(stream, (picture(number) for number in range(FRAMES)))
    whole = stream.read_bytes()
    stream.write_bytes(whole[: len(whole) * 2 // 3])
    result = livesal("run", stream, "-o", tmp_path / "out.jsonl", *SMALL)
    assert result.exit_code == 0, result.stderr
    assert 0 < _count(tmp_path / "out.jsonl") < FRAMES
    assert clip.exists()


def test_the_failure_of_a_process_is_its_exit_code_and_one_line(tmp_path: Path) -> None:
    command = [Path(sys.executable).with_name("livesal"), "run", str(tmp_path / "missing.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.splitlines() == [f"error: {tmp_path}/missing.mp4: there is no such file or folder"]


def _count(output: Path) -> int:
    counts: dict[str, Callable[[Path], int]] = {
        "": lambda path: len(list(path.iterdir())),
        ".jsonl": lambda path: len(path.read_text().splitlines()),
    }
    return counts.get(output.suffix, _video_frames)(output)


def _video_frames(path: Path) -> int:
    with av.open(str(path)) as made:
        return sum(1 for _ in made.decode(video=0))
