import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli.evaluate import evaluate
from pipeline.cli.reproduce import reproduce
from pipeline.cli.score import score
from pipeline.evaluation.reproduce.studies import STUDIES
from tests.fakes.walks import write_walks

SETTINGS = """
method: {size: [64, 96], keyframe_threshold: 0.95, camera_motion: homography}
adaptation: {enabled: false, retraining: {scope: decoder, iterations_per_keyframe: 1}}
"""

app = typer.Typer()
for command in (evaluate, score, reproduce):
    app.command()(command)


@pytest.fixture
def walks(tmp_path: Path) -> Path:
    write_walks(tmp_path / "walks", ("a",), 4)
    (tmp_path / "small.yaml").write_text(SETTINGS)
    return tmp_path / "walks"


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_writes_markdown_json_and_plots(study: str, walks: Path, tmp_path: Path) -> None:
    arguments = ["reproduce", study, str(walks), "--config", str(tmp_path / "small.yaml"), "--models", "livesal-colour"]
    arguments += ["--flows", "dis-ultrafast", "--output", str(tmp_path / "out"), "--maps", str(walks / "masks")]
    if study == "table4":
        arguments += ["--set", "adaptation.enabled=true"]

    result = CliRunner().invoke(app, arguments, catch_exceptions=False)

    assert result.exit_code == 0
    text = (tmp_path / "out" / f"{study}.md").read_text()
    content = json.loads((tmp_path / "out" / f"{study}.json").read_text())
    assert content["study"] == study
    assert content["ours"]
    assert content["paper"]
    for line in text.splitlines():
        if line.startswith("!["):
            assert (tmp_path / "out" / line.partition("](")[2].rstrip(")")).read_bytes().startswith(b"\x89PNG")


def test_evaluate_prints_one_json_object_and_names_problems(walks: Path, tmp_path: Path) -> None:
    (walks / "masks" / "a" / "00002.png").write_bytes(b"broken")
    arguments = ["evaluate", str(walks), "--json", "--config", str(tmp_path / "small.yaml")]

    result = CliRunner().invoke(app, [*arguments, "--output", str(tmp_path / "out")], catch_exceptions=False)

    assert result.exit_code == 0
    assert json.loads(result.stdout)["model"] == "livesal-colour"
    assert "a: corrupt mask: 00002" in result.stderr
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text()) == json.loads(result.stdout)
    assert (tmp_path / "out" / "report.html").is_file()


def test_score_prints_a_table_or_json(walks: Path, tmp_path: Path) -> None:
    arguments = ["score", str(walks / "masks"), str(walks), "--output", str(tmp_path / "out")]

    table = CliRunner().invoke(app, arguments, catch_exceptions=False)
    content = json.loads(CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False).stdout)

    assert "masks" in table.stdout
    assert "1.000" in table.stdout
    assert content["conventions"]["toolbox"]["masks"]["maxF"] == pytest.approx(1)
    assert content["sequences"]["a"]["paper"]["masks"]["MAE"] == 0
    assert (tmp_path / "out" / "curves-paper.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["evaluate", "{walks}", "--layout", "cdnet"], 6, "expected cdnet: dataset/<part>/<sequence>/input/"),
        (["evaluate", "{walks}", "--split", "val"], 2, "has no split 'val'"),
        (["evaluate", "{walks}", "--model", "nonesuch"], 4, "no saliency network is named 'nonesuch'"),
        (["evaluate", "{walks}", "--retrain-seconds", "soon"], 2, "seconds or 'measured', not 'soon'"),
        (["evaluate", "{walks}", "--join", "a while"], 2, "such as 30 or 20-60, not 'a while'"),
        (["evaluate", "{walks}", "--streams", "2"], 2, "give --join as well"),
        (["evaluate", "{walks}", "--join", "20", "--mode", "paper"], 2, "--join makes streams for live mode"),
        (["evaluate", "{walks}", "--join", "20", "--streams", "2"], 2, "2 streams cannot be made of 1 sequences"),
        (["score", "{walks}/frames/a", "{walks}"], 6, "expected a folder of maps a sequence (a, …)"),
        (["reproduce", "table2", "{walks}"], 2, "no study is named 'table2'; there are: table1"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(arguments: list[str], code: int, expected: str, walks: Path) -> None:
    result = CliRunner().invoke(app, [argument.format(walks=walks) for argument in arguments])

    assert result.exit_code == code
    assert expected in result.stderr
    assert "Traceback" not in result.stderr
