import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from configs.errors import ConfigError
from configs.recipe import load_recipe
from models.checkpoint import read_state
from models.errors import TrainingDataError
from models.training.augmentation import Augmentation
from pipeline.cli.training_progress import follow
from pipeline.training.composite_motion import CompositeMotion
from pipeline.training.motion_views import MotionViews
from pipeline.training.recipe import make_trainer, split_pairs
from pipeline.training.scene_motion import SceneMotion
from pipeline.training.video_motion import VideoMotion
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


def walk(data: Path) -> VideoMotion:
    video = [{"kind": "video", "images": "video/images", "masks": "video/masks"}]
    recipe = load_recipe(recipe_file(data, "motion", sources=video), "motion")
    pairs, unseen = split_pairs(recipe.sources[0], data)
    assert (len(pairs), len(unseen)) == (6, 0)
    return VideoMotion(pairs, SIZE, gaps=(1,))


def test_the_motion_of_video_comes_with_its_mask(data: Path) -> None:
    seen = walk(data)[3]
    inside = seen.mask > 127
    rightwards = seen.flow[..., 0].astype(float)
    assert rightwards[inside].mean() > 1, "the disc goes to the right, and has little texture to see it by"
    assert np.abs(rightwards[~inside]).mean() < 0.3 * rightwards[inside].mean()
    sample = MotionViews(walk(data), "coded-flow", None).draw(3, np.random.default_rng(0))
    saturation = sample.image.max(2).astype(int) - sample.image.min(2)
    assert saturation[inside].mean() > 3 * saturation[~inside].mean(), "what moves is coloured, the rest is white"


def test_views_turn_the_flow_with_the_picture(data: Path) -> None:
    still = Augmentation(smallest_crop=1.0, colour=0, degrade=0)
    views = MotionViews(walk(data), "flow-and-luminance", still)
    directions = set()
    for seed in range(30):
        view = views.draw(3, np.random.default_rng(seed))
        inside = view.mask > 0.5
        if not inside.any():
            assert np.abs(view.image[..., :2].astype(int) - 128).mean() < 70, "nothing moves but noise"
            continue
        along = float(np.median(view.image[inside][:, 0]))
        assert abs(along - 128) > 60, "what is salient moves"
        directions.add(along > 128)
    assert directions == {True, False}, "mirrored and reversed in time"


def test_scenes_differ_but_each_is_always_the_same(data: Path) -> None:
    pairs, _ = split_pairs(load_recipe(recipe_file(data, "motion"), "motion").sources[0], data)
    scenes = SceneMotion(pairs, pairs, SIZE, count=3)
    assert len(scenes) == 3
    assert scenes[0].flow.shape == (*SIZE, 2)
    assert scenes[0].mask.shape == SIZE
    assert (scenes[0].image != scenes[1].image).any()
    np.testing.assert_array_equal(scenes[1].image, scenes[1].image)


def test_an_object_of_one_sequence_moves_through_another(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / "video", tmp_path / "video")
    ground = texture((96, 128), np.random.default_rng(1))
    for index in range(4):
        image, mask = ground.copy(), np.zeros((96, 128), np.uint8)
        box = ((90 - 9 * index, 30), (115 - 9 * index, 60))
        cv2.rectangle(mask, *box, 255, -1)
        cv2.rectangle(image, *box, (20, 200, 40), -1)
        for kind, picture in (("images", image), ("masks", mask)):
            target = tmp_path / "video" / kind / "slide" / f"{index:03d}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target), picture)
    sources = [{"kind": "composites", "images": "video/images", "masks": "video/masks", "hold_out": ["slide"]}]
    recipe = load_recipe(recipe_file(tmp_path, "motion", sources=sources), "motion")
    with pytest.raises(TrainingDataError, match="composites need at least two sequences"):
        make_trainer(recipe, tmp_path, tmp_path / "run")
    both, _ = split_pairs(recipe.sources[0].model_copy(update={"hold_out": ()}), tmp_path)
    alone, composites = VideoMotion(both, SIZE, gaps=(1,)), CompositeMotion(both, SIZE, count=12)
    assert len(composites) == 12
    np.testing.assert_array_equal(composites[3].flow, composites[3].flow)
    largest = max(int(np.count_nonzero(seen.mask > 127)) for seen in alone)
    assert max(int(np.count_nonzero(seen.mask > 127)) for seen in composites) > 1.2 * largest, (
        "both objects are salient"
    )
    reds = [seen.image[..., 0].astype(int) - seen.image[..., 1] for seen in composites]
    greens = [seen.image[..., 1].astype(int) - seen.image[..., 0] for seen in composites]
    assert any((red > 150).any() and (green > 100).any() for red, green in zip(reds, greens, strict=True))


@pytest.mark.parametrize("task", ["colour", "motion"])
def test_the_recipes_that_ship_are_valid(task: str) -> None:
    assert load_recipe(None, task).task == task


def test_made_pictures_are_a_sequence_like_any_other(data: Path) -> None:
    pairs, _ = split_pairs(load_recipe(recipe_file(data, "motion"), "motion").sources[0], data)
    scenes = SceneMotion(pairs, pairs, SIZE, count=3)
    assert [one.mask.sum() for one in scenes] == [scenes[index].mask.sum() for index in (0, 1, 2)]
    assert [one.mask.sum() for one in scenes[1:]] == [scenes[-2].mask.sum(), scenes[-1].mask.sum()]
    with pytest.raises(IndexError):
        scenes[3]


def test_what_is_wrong_with_a_recipe_is_named(data: Path, tmp_path: Path) -> None:
    made = [{"kind": "composites", "images": "video/images", "masks": "video/masks"}]
    with pytest.raises(ConfigError, match="kind 'composites' is for motion networks"):
        load_recipe(recipe_file(tmp_path, "colour", sources=made), "colour")
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


@pytest.mark.timeout(120)
@pytest.mark.parametrize("task", ["colour", "motion"])
def test_processes_that_make_samples_make_the_same_ones(data: Path, tmp_path: Path, task: str) -> None:
    video = {"kind": "video", "images": "video/images", "masks": "video/masks"}
    scenes = {"kind": "scenes", "images": "set/images", "masks": "set/masks", "scenes": 3}
    sources = [video, scenes] if task == "motion" else [video]
    recipe = load_recipe(recipe_file(tmp_path, task, steps=3, sources=sources), task)
    alone = [progress.loss for progress in make_trainer(recipe, data, tmp_path / "alone").run()]
    helped = [progress.loss for progress in make_trainer(recipe, data, tmp_path / "helped", workers=2).run()]
    assert helped == pytest.approx(alone, rel=1e-4)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_picture_that_cannot_be_read_is_named_whoever_reads_it(data: Path, tmp_path: Path, workers: int) -> None:
    for kind in ("images", "masks"):
        shutil.copytree(data / "set" / kind, tmp_path / "set" / kind)
    (tmp_path / "set" / "images" / "001.png").write_bytes(b"no picture")
    sources = [{"kind": "images", "images": "set/images", "masks": "set/masks"}]
    recipe = load_recipe(recipe_file(tmp_path, "colour", sources=sources), "colour")
    with pytest.raises(TrainingDataError, match=r"^\S*001\.png: cannot be read as an image; remove or replace it$"):
        list(make_trainer(recipe, tmp_path, tmp_path / "run", workers=workers).run())
