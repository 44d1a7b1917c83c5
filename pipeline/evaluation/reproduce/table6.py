"""Table VI: seconds a frame."""

from matplotlib.figure import Figure

from pipeline.evaluation.plots import COLOURS, save, style
from pipeline.evaluation.reproduce.paper import SECONDS
from pipeline.evaluation.reproduce.study import Finding, Setting

_OWN, _OTHER = "#7d8591", "#c3c8cf"
"""Of the paper's scheme on its six models, and of the methods that it compares with."""


def table6(setting: Setting) -> Finding:
    """Time each model: flow, both networks, retraining and the twin, on one core, reading and scoring left out."""
    ours = {}
    for model in setting.models:
        run = setting.run(method={"colour": model})
        ours[model] = 1 / run.fps if run.fps else 0.0
    plot = setting.output / "table6.png"
    _draw(ours, setting)
    rows = [["here", model, f"{seconds:.3f}"] for model, seconds in ours.items()]
    rows += [["paper", method, f"{seconds:g}"] for method, seconds in SECONDS.items()]
    return Finding(
        study="table6",
        title=f"Table VI: seconds a frame, {setting.dataset.name}, {setting.plan.mode} mode",
        header=("", "method", "seconds a frame"),
        rows=rows,
        notes=["Ours: one core, retraining included. The paper's: GTX 1080; its own rows include the retraining."],
        figures={"dataset": setting.dataset.name, "mode": setting.plan.mode, "ours": ours, "paper": SECONDS},
        plots=[plot],
    )


def _draw(ours: dict[str, float], setting: Setting) -> None:
    entries = [(f"{model} (here)", seconds, COLOURS[0]) for model, seconds in ours.items()]
    entries += [(name, seconds, _OWN if name.startswith("Ours") else _OTHER) for name, seconds in SECONDS.items()]
    entries.sort(key=lambda entry: entry[1], reverse=True)
    title = f"Time: {setting.dataset.name}, {setting.plan.mode} mode; blue here, grey the paper's (dark its own scheme)"
    figure = Figure(figsize=(9, 0.9 + 0.25 * len(entries)), layout="constrained")
    axes = figure.subplots()
    names, seconds, colours = zip(*entries, strict=True)
    drawn = axes.barh(names, seconds, color=colours)
    axes.bar_label(drawn, [f"{one:.3g}" for one in seconds], padding=3, fontsize=8)
    axes.set_xscale("log")
    axes.margins(x=0.1)
    axes.tick_params(axis="y", labelsize=8)
    axes.set(xlabel="seconds a frame (logarithmic)", title=title)
    style(axes)
    save(figure, setting.output / "table6.png")
