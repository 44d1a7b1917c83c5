"""What README and docs say is there: links, commands and their options, settings, metrics, topics, payloads."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main
import yaml
from prometheus_client import Metric

from configs.settings import Settings, load_settings
from pipeline.cli.app import app
from pipeline.cli.failures import CODES
from stream.events import AdaptationEvent, CameraState, TrackedRegion
from stream.metrics import Metrics
from stream.mqtt_topics import Topics
from stream.views import VIEWS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
OPERATIONS = ROOT / "docs" / "operations.md"
PAGES = (README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))

PARTS_OF_METRICS = ("_total", "_info", "_bucket", "_count", "_sum")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """Return the page's fenced blocks of `language`, without the indentation of a list that they stand in."""
    pattern = rf"^( *)```{language}\n(.*?)^\1```$"
    found = re.findall(pattern, text_of(page), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def commands(page: Path) -> list[str]:
    """Return the command lines of livesal on a page: in backticks, and in blocks for the terminal."""
    text = text_of(page)
    inline = re.findall(r"`livesal ([^`]+)`", text)
    lines = [
        line.removeprefix("$ ")
        for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        if language in {"", "console"}
        for line in block.splitlines()
    ]
    terminal = [
        line.partition("#")[0].strip().removeprefix("livesal ") for line in lines if line.startswith("livesal ")
    ]
    return inline + terminal


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL))


def slug(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_internal_link_resolves(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(page))):
        if re.match(r"[a-z]+://", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{name_of(page)} links to {target}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", text_of(found), re.MULTILINE)
            assert anchor in {slug(title) for title in titles}, f"{name_of(page)} links to {target}"


def test_the_pages_name_commands_at_all() -> None:
    named = {line.split()[0] for page in PAGES for line in commands(page)}
    assert {"demo", "serve", "run", "probe", "validate", "schema", "models"} <= named


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_named_exists_with_its_options(page: Path) -> None:
    group: Any = typer.main.get_command(app)
    context = group.make_context("livesal", ["models"])
    own = options(group)
    for line in commands(page):
        words = line.split()
        while words and words[0] in own:
            words.pop(0)
        if not words:
            continue
        for name in words[0].split("|"):
            assert name in group.commands, f"{name_of(page)}: livesal {line}"
            _, command, _ = group.resolve_command(context, [name])
            used = {word.partition("=")[0].strip("[]") for word in words[1:] if re.match(r"\[?-[-a-z]", word)}
            assert used <= options(command), f"{name_of(page)}: livesal {line}"


def options(command: Any) -> set[str]:
    """Return the options of a command, by all their names."""
    named = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return {*named, "--help", "-h"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_yaml_block_is_a_valid_configuration(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, block in enumerate(blocks(page, "yaml")):
        for variable in re.findall(r"\$\{(\w+)\}", block):
            monkeypatch.setenv(variable, "a long secret")
        path = tmp_path / f"{number}.yaml"
        path.write_text(block, encoding="utf-8")
        assert load_settings(path).model_fields_set == set(yaml.safe_load(block)), block


def test_readme_and_operations_show_configurations() -> None:
    assert blocks(README, "yaml")
    assert blocks(OPERATIONS, "yaml")


def test_every_section_of_the_settings_is_explained() -> None:
    sections = re.findall(r"^\| `(\w+)` \|", text_of(OPERATIONS), re.MULTILINE)
    assert [name for name in sections if name in Settings.model_fields] == list(Settings.model_fields)


def test_every_metric_is_explained_and_none_is_made_up() -> None:
    explained = {bare(name) for name in re.findall(r"`(livesal_[a-z_]+)", text_of(OPERATIONS))}
    known = {metric.name for metric in collected()}
    assert explained == known


def collected() -> list[Metric]:
    return list(Metrics().registry.collect())


def bare(metric: str) -> str:
    """Return the name of a metric without what Prometheus appends."""
    for ending in PARTS_OF_METRICS:
        metric = metric.removesuffix(ending)
    return metric


def test_every_exit_code_is_explained() -> None:
    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", text_of(OPERATIONS), re.MULTILINE)}
    assert explained == {0, 1, *(code for _, code in CODES)}


def test_every_topic_is_explained() -> None:
    topics = Topics("PREFIX")
    leaves = ("available", "motion", "state", "snapshot", "event", "adapt/state", "adapt/set")
    known = {topics.available, topics.events, topics.adaptation, *(topics.of("NAME", leaf) for leaf in leaves)}
    assert set(re.findall(r"^\| `(PREFIX/[^`]+)`", text_of(OPERATIONS), re.MULTILINE)) == known


def test_the_example_payloads_have_the_fields_that_are_sent() -> None:
    region, adaptation, state = (json.loads(block) for block in blocks(OPERATIONS, "json"))
    assert set(region["before"]) == set(region["after"]) == fields(TrackedRegion)
    assert fields(AdaptationEvent) - {"kind", "details"} | {"type"} <= set(adaptation)
    assert set(state) == fields(CameraState)


def fields(kind: type[Any]) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_the_readme_names_every_view() -> None:
    assert set(VIEWS) <= set(re.findall(r"`(\w+)`", text_of(README)))
