"""`livesal retrain`: one round of retraining by hand, to see what a camera's twin learned, and from what."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def retrain(
    job: Annotated[Path, typer.Argument(help="A job's folder, as `adaptation.jobs` keeps them.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where the twin and the plots go; by default into the job.")
    ] = None,
) -> None:
    """Do one retraining job by hand: the twin, its loss as a plot, its maps before and after.

    Let a service keep its jobs with `-s adaptation.jobs=FOLDER`.

        livesal retrain jobs/livesal-round-000003-x7f2
    """
    import torch  # noqa: PLC0415 - seconds that help can spare

    from configs.guards import GuardSettings  # noqa: PLC0415
    from models.denormals import flush_denormals  # noqa: PLC0415
    from models.loading import load_model  # noqa: PLC0415
    from models.training.twin import TwinStep  # noqa: PLC0415
    from pipeline.allocation import keep_memory  # noqa: PLC0415
    from pipeline.cli.failures import reported  # noqa: PLC0415
    from pipeline.guard import objection  # noqa: PLC0415
    from pipeline.retraining.inspection import maps_of, plot_loss, plot_maps, shown  # noqa: PLC0415
    from pipeline.retraining.job import read_job, write_result  # noqa: PLC0415
    from pipeline.retraining.run_job import run_job, with_base  # noqa: PLC0415

    keep_memory()
    torch.set_num_threads(1)
    flush_denormals()
    console = Console()
    folder = output or job
    with reported():
        content = read_job(job)
        model = load_model(content.model)
        chosen = shown(content)
        before = maps_of(model if content.trial else with_base(model, content.base), content, chosen)
        losses: list[float] = []
        columns = (TextColumn("retraining"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("retraining", total=None)

            def note(step: TwinStep) -> None:
                losses.append(step.loss)
                progress.update(task, completed=step.iteration, total=step.iterations)

            done = run_job(content, note)
        folder.mkdir(parents=True, exist_ok=True)
        write_result(folder, done)
        after = maps_of(with_base(model, done.state), content, chosen)
        plot_loss(losses, folder / "loss.png")
        plot_maps(content, chosen, before, after, folder / "maps.png")
    verdict = objection(done.report, GuardSettings()) or "nothing speaks against the twin"
    report = done.report
    console.print(
        f"{report.keyframes} keyframes, {report.held_out} held out; {report.iterations} iterations "
        f"in {report.seconds:.1f} s\n"
        f"held-out error {report.error_before:.4g} → {report.error_after:.4g}\n"
        f"{verdict}\n"
        f"written: {escape(str(folder))}/twin.safetensors, loss.png, maps.png",
        highlight=False,
        soft_wrap=True,
    )
