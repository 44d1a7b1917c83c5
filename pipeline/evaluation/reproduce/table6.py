"""Table VI: seconds a frame."""

from matplotlib.figure import Figure

from pipeline.evaluation.plots import COLOURS, save, style
from pipeline.evaluation.reproduce.paper import SECONDS
from pipeline.evaluation.reproduce.study import Finding, Setting


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
    entries += [(method, seconds, "#b9bec6") for method, seconds in SECONDS.items()]
    entries.sort(key=lambda entry: entry[1], reverse=True)
    figure = Figure(figsize=(8, 0.9 + 0.25 * len(entries)), layout="constrained")
    axes = figure.subplots()
    axes.barh([entry[0] for entry in entries], [entry[1] for entry in entries], color=[entry[2] for entry in entries])
    axes.set_xscale("log")
    axes.tick_params(axis="y", labelsize=8)
    axes.set(xlabel="seconds a frame (logarithmic)", title="Time: blue here, grey the paper's")
    style(axes)
    save(figure, setting.output / "table6.png")
