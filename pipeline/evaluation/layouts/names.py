"""The known layouts by name, in the order in which `auto` tries them."""

from typing import Final

from pipeline.evaluation.errors import SelectionError
from pipeline.evaluation.layouts.cdnet import CDNET
from pipeline.evaluation.layouts.davis2016 import DAVIS2016
from pipeline.evaluation.layouts.davsod import DAVSOD
from pipeline.evaluation.layouts.fbms import FBMS
from pipeline.evaluation.layouts.layout import Layout
from pipeline.evaluation.layouts.pairs import FOLDERS, MCL, UVSD
from pipeline.evaluation.layouts.segtrackv2 import SEGTRACKV2
from pipeline.evaluation.layouts.visal import VISAL

_LAYOUTS: Final = {
    layout.name: layout for layout in (FOLDERS, DAVIS2016, SEGTRACKV2, VISAL, FBMS, DAVSOD, CDNET, MCL, UVSD)
}


def layout_names() -> tuple[str, ...]:
    """Return the names of all layouts, in the order in which they are tried."""
    return tuple(_LAYOUTS)


def layout_named(name: str) -> Layout:
    """Return the layout called `name`.

    Raises:
        SelectionError: there is none; the message lists those that are.
    """
    if name not in _LAYOUTS:
        message = f"no layout is named '{name}'; there are: auto, {', '.join(layout_names())}"
        raise SelectionError(message)
    return _LAYOUTS[name]
