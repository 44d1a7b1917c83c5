"""Scores as tables: for the terminal, and as Markdown."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from pipeline.evaluation.captions import NAMES
from pipeline.evaluation.conventions import CONVENTIONS, Convention, Scores

FIGURES = ("maxF", "avgF", "MAE", "S", "E")
"""In the order in which they are shown."""


def score_table(title: str, scores: Mapping[Convention, Mapping[str, Scores | None]]) -> Table:
    """Return a terminal table: a block a convention, in it a row a column of the evaluation."""
    table = Table(title=title, title_justify="left")
    table.add_column("convention")
    table.add_column("")
    for figure in FIGURES:
        table.add_column(figure, justify="right")
    for convention in CONVENTIONS:
        for column, found in scores[convention].items():
            table.add_row(convention, NAMES.get(column, column), *cells(found))
        table.add_section()
    return table


def cells(scores: Scores | None, figures: Sequence[str] = FIGURES) -> list[str]:
    """Return figures as text; a dash each where there are none."""
    return [f"{getattr(scores, figure):.3f}" if scores else "-" for figure in figures]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, the first column to the left and the others to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
