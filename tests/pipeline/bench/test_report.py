import io
import json
from pathlib import Path

import cv2
import pytest
from rich.console import Console

from pipeline.bench.report import BenchReport, Line, above, below, plot, show, to_json, with_ratios

REPORT = BenchReport(
    verb="stages",
    about="two ways",
    rows=with_ratios([{"way": "slow", "ms": 8.0, "frames": 3}, {"way": "quick", "ms": 2.0, "frames": None}], "ms"),
    figures={"latency": below(12.3456, 30, "ms"), "rate": above(20.0, 30, "frames/s"), "age": below(None, 1, "s")},
    notes=("a [note]",),
)


def test_ratios_are_to_the_first_row() -> None:
    assert [(row["ms"], row["ms ratio"]) for row in REPORT.rows] == [(8.0, 1.0), (2.0, 0.25)]
    assert list(REPORT.rows[0]) == ["way", "ms", "ms ratio", "frames"]


def test_a_ratio_to_nothing_is_none() -> None:
    assert [row["ms ratio"] for row in with_ratios([{"ms": 0.0}, {"ms": 2.0}, {"ms": None}], "ms")] == [None] * 3


def test_the_json_says_what_is_met_and_on_which_machine() -> None:
    found = json.loads(to_json(REPORT))
    assert found["figures"]["latency"] == {"value": 12.346, "unit": "ms", "target": "<= 30", "met": True}
    assert found["figures"]["rate"]["met"] is False
    assert found["figures"]["age"]["met"] is None
    assert found["machine"]["cores"] >= 1
    assert found["rows"][1]["way"] == "quick"


def test_the_table_shows_rows_figures_and_notes() -> None:
    out = io.StringIO()
    show(REPORT, Console(file=out, width=100))
    text = out.getvalue()
    for part in ("slow", "0.25", "12.3 ms", "missed", "a [note]", "–"):
        assert part in text


@pytest.mark.parametrize(
    "report",
    [
        REPORT,
        BenchReport(verb="path", about="", figures={"latency": below(3.0, 4, "ms")}),
        BenchReport(
            verb="path", about="", lines={"age": Line(x=[0, 1, 2], y=[3, 4, 3], marks=[1.5])}, axes=("s", "ms")
        ),
    ],
    ids=["rows", "figures", "lines"],
)
def test_the_plot_is_a_picture(report: BenchReport, tmp_path: Path) -> None:
    plot(report, tmp_path / "plot.png")
    image = cv2.imread(str(tmp_path / "plot.png"))
    assert image is not None
    assert image.std() > 5, "something is drawn on it"
