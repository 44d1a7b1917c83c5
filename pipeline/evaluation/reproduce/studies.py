"""The studies by name."""

from collections.abc import Callable
from typing import Final

from pipeline.evaluation.errors import SelectionError
from pipeline.evaluation.reproduce.ablation import table4, table5
from pipeline.evaluation.reproduce.fig5 import fig5
from pipeline.evaluation.reproduce.fig7 import fig7
from pipeline.evaluation.reproduce.fig9 import fig9
from pipeline.evaluation.reproduce.selection import selection
from pipeline.evaluation.reproduce.study import Finding, Setting
from pipeline.evaluation.reproduce.table1 import table1
from pipeline.evaluation.reproduce.table3 import table3
from pipeline.evaluation.reproduce.table6 import table6

Study = Callable[[Setting], Finding]
"""From what it is given to what it comes to."""

STUDIES: Final[dict[str, Study]] = {
    "table1": table1,
    "table3": table3,
    "table4": table4,
    "table5": table5,
    "table6": table6,
    "fig5": fig5,
    "fig7": fig7,
    "fig9": fig9,
    "selection": selection,
}


def study_named(name: str) -> Study:
    """Return a study.

    Raises:
        SelectionError: there is none of that name; the message lists those that are.
    """
    if name not in STUDIES:
        message = f"no study is named '{name}'; there are: {', '.join(STUDIES)}"
        raise SelectionError(message)
    return STUDIES[name]
