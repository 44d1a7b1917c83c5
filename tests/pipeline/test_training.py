import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from configs.errors import ConfigError
from configs.recipe import load_recipe
from models.checkpoint import read_state
from models.errors import TrainingDataError
from pipeline.cli.training_progress import follow
from pipeline.training.coded_flow_samples import CodedFlowSamples
from pipeline.training.recipe import make_trainer, split_pairs
from pipeline.training.scene_samples import SceneSamples
from tests.fakes.textures import texture

SIZE = (64, 96)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures of a red disc on textured ground, and a sequence in which it moves, with their masks."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    ground = texture((96, 128), rng)
    for index in range(12):
        image = texture((96, 128), rng) if index < 6 else ground.copy()
        mask = np.zeros((96, 128), np.uint8)
        centre = (25 + 7 * index, 48)
        cv2.circle(mask, centre, 18, 255, -1)
        cv2.circle(image, centre, 18, (220, 30, 30), -1)
        group, sequence = ("set", "") if index < 6 else ("video", "walk")
        for kind, picture in (("images", cv2.cvtColor(image, cv2.COLOR_RGB2BGR)), ("masks", mask)):
            target = folder / group / kind / sequence / f"{index:03d}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target), picture)
    return folder


def recipe_file(folder: Path, task: str, **changes: object) -> Path:
    content = {
        "task": task,
        "network": f"livesal-{task}",
        "sources": [{"kind": "images", "images": "set/images", "masks": "set/masks", "hold_out_every": 3}],
        "sizes": [list(SIZE)],
        "steps": 12,
        "batch": 2,
        "rate": 3e-3,
        "validate_every": 6,
        "validation_stride": 1,
        **changes,
    }
    path = folder / f"{task}.yaml"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def figures(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.timeout(180)
def test_a_small_training_learns_and_goes_on_where_it_was_broken_off(data: Path, tmp_path: Path, shared: Path) -> None:
    encoder = str(shared / "weights" / "mobilenetv2-1.0-imagenet.fp16.pt")
    recipe = load_recipe(recipe_file(tmp_path, "colour", steps=40, validate_every=20, encoder=encoder), "colour")
    whole = [progress.loss for progress in make_trainer(recipe, data, tmp_path / "whole").run()]
    assert np.mean(whole[-5:]) < 0.7 * np.mean(whole[:5]), "the loss falls"
    last = figures(tmp_path / "whole")[1]
    assert last["set maxF"] > 0.6, "the map beats a constant one, whose maxF is the disc's share of the picture"
    assert last["set MAE"] < 0.25

    broken = make_trainer(recipe, data, tmp_path / "broken").run()
    first = [next(broken).loss for _ in range(21)]
    broken.close()
    rest = [progress.loss for progress in make_trainer(recipe, data, tmp_path / "broken").run()]
    assert first == whole[:21]
    assert rest == pytest.approx(whole[20:], rel=1e-3), "the same seed gives the same training"

    weights = follow(make_trainer(recipe, data, tmp_path / "whole"), 40, tmp_path / "whole" / "colour.safetensors")
    assert read_state(weights).keys() == make_trainer(recipe, data, tmp_path / "x").network.network.state_dict().keys()


def test_coded_flow_of_video_comes_with_its_mask(data: Path) -> None:
    recipe = load_recipe(
        recipe_file(data, "motion", sources=[{"kind": "video", "images": "video/images", "masks": "video/masks"}]),
        "motion",
    )
    pairs, unseen = split_pairs(recipe.sources[0], data)
    assert (len(pairs), len(unseen)) == (6, 0)
    sample = CodedFlowSamples(pairs, SIZE, vary=False).draw(3, np.random.default_rng(0))
    assert sample.image.shape == (*SIZE, 3)
    inside = sample.mask > 0.5
    saturation = sample.image.max(2).astype(int) - sample.image.min(2)
    assert saturation[inside].mean() > 3 * saturation[~inside].mean(), "what moves is coloured, the rest is white"


def test_scenes_are_new_each_time(data: Path) -> None:
    pairs, _ = split_pairs(load_recipe(recipe_file(data, "motion"), "motion").sources[0], data)
    samples = SceneSamples(pairs, pairs, SIZE)
    rng = np.random.default_rng(0)
    first, second = samples.draw(0, rng), samples.draw(0, rng)
    assert first.image.shape == (*SIZE, 3)
    assert first.mask.shape == SIZE
    assert (first.image != second.image).any()


@pytest.mark.parametrize("task", ["colour", "motion"])
def test_the_recipes_that_ship_are_valid(task: str) -> None:
    assert load_recipe(None, task).task == task


def test_what_is_wrong_with_a_recipe_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown key 'stps'"):
        load_recipe(recipe_file(tmp_path, "colour", stps=3), "colour")
    with pytest.raises(ConfigError, match="recipe for 'colour'"):
        load_recipe(recipe_file(tmp_path, "colour"), "motion")
    recipe = load_recipe(recipe_file(tmp_path, "colour"), "colour")
    with pytest.raises(TrainingDataError, match="no such folder"):
        make_trainer(recipe, tmp_path / "nowhere", tmp_path / "run")
    video = [{"kind": "video", "images": "video/images", "masks": "video/masks", "hold_out": ["run"]}]
    with pytest.raises(TrainingDataError, match="no sequence 'run'"):
        make_trainer(load_recipe(recipe_file(tmp_path, "colour", sources=video), "colour"), data, tmp_path / "run")
