"""Scores as tables: for the terminal, and as Markdown."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from pipeline.evaluation.conventions import CONVENTIONS, Convention, Scores

FIGURES = ("maxF", "avgF", "MAE", "S", "E")
"""In the order in which they are shown."""


def score_table(title: str, scores: Mapping[Convention, Mapping[str, Scores | None]]) -> Table:
    """Return a terminal table: a row a column of the evaluation, five figures a convention."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for convention in CONVENTIONS:
        for figure in FIGURES:
            table.add_column(f"{figure}\n{convention}", justify="right")
    for column in next(iter(scores.values())):
        cells = [cell for convention in CONVENTIONS for cell in _cells(scores[convention][column])]
        table.add_row(column, *cells)
    return table


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, the first column to the left and the others to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cells(scores: Scores | None) -> list[str]:
    return [f"{getattr(scores, figure):.3f}" if scores else "-" for figure in FIGURES]
