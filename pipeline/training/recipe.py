"""From a recipe to what is trained: network, samples, schedule, validation."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

from configs.training import GENERATED, SampleSettings, TrainingSettings
from models.backbones.encoder import PyramidEncoder
from models.checkpoint import load_into, read_state
from models.errors import TrainingDataError
from models.loading import load_model
from models.registry import saliency_entry
from models.saliency_model import SaliencyModel
from models.training.ahead import made
from models.training.augmentation import Augmentation, resize
from models.training.loop import Trainer
from models.training.made_when_asked import MadeWhenAsked
from models.training.plan import TrainingPlan
from models.training.samples import ImageMaskPairs, ImagePair, Sample, SamplesInMemory, SampleSource, find_pairs
from pipeline.evaluation.conventions import Sums, averages, score_frame
from pipeline.evaluation.ground_truth import GroundTruth
from pipeline.evaluation.tally import quantise, tally
from pipeline.training.composite_motion import CompositeMotion
from pipeline.training.motion_views import MotionViews, MovingPicture
from pipeline.training.scene_motion import SceneMotion
from pipeline.training.video_motion import GAPS, VideoMotion
from pipeline.working_size import working_size

Validate = Callable[[nn.Module], Mapping[str, float]]


def make_trainer(
    recipe: TrainingSettings, data: Path, folder: Path, seconds: float | None = None, workers: int = 0
) -> Trainer:
    """Return a trainer for `recipe`.

    With workers, everything that is drawn from is read, and its flow estimated, here and now.

    Args:
        recipe: what to train on what.
        data: the folder that the recipe's paths are relative to.
        folder: where the log and the checkpoints go.
        seconds: end after this much time, None = after the recipe's steps.
        workers: processes that make samples; none = the training's own makes them as it needs them.

    Raises:
        TrainingDataError: labelled data is missing.
        ModelError: the network or its initial weights cannot be loaded.
    """
    torch.manual_seed(recipe.seed)
    plan = TrainingPlan(
        steps=recipe.steps,
        batch=recipe.batch,
        encoder_rate=recipe.encoder_rate,
        rate=recipe.rate,
        encoder_prefix="network.encoder.",
        warmup=min(100, max(1, recipe.steps // 10)),
        sizes=recipe.sizes,
        augmentation=None if recipe.task == "motion" else _augmentation(recipe),
        seed=recipe.seed,
        validate_every=recipe.validate_every,
        seconds=seconds,
        outlines=recipe.outlines,
        mixed_precision=recipe.mixed_precision,
        workers=workers,
    )
    sources = [(_source(recipe, source, data, workers), source.share) for source in recipe.sources]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = initial_model(recipe, data)
    return Trainer(model, sources, plan, folder, validate=make_validation(recipe, data), device=device)


def initial_model(recipe: TrainingSettings, data: Path) -> SaliencyModel:
    """Return the network with the weights that the recipe starts from.

    Raises:
        ModelError: they cannot be loaded.
        TrainingDataError: the encoder's file is another network's.
    """
    model = SaliencyModel(saliency_entry(recipe.network))
    if recipe.start is not None:
        path = data / recipe.start
        state = read_state(path) if path.is_file() else load_model(recipe.start).network.state_dict()
        load_into(model.network, state, recipe.start)
    elif recipe.encoder is not None:
        _load_encoder(model, data / recipe.encoder)
    return model


def make_validation(recipe: TrainingSettings, data: Path) -> Validate | None:
    """Return what scores a model on everything that the recipe holds out; None if it holds nothing out."""
    held: dict[str, Sequence[Sample]] = {}
    for source in recipe.sources:
        if source.kind in GENERATED:
            continue
        _, unseen = split_pairs(source, data)
        if unseen:
            held[source.images.parent.name] = _Held(recipe, unseen)
    if not held:
        return None

    def validate(network: nn.Module) -> Mapping[str, float]:
        model = cast("SaliencyModel", network)
        return {f"{name} {figure}": value for name, samples in held.items() for figure, value in _score(model, samples)}

    return validate


def split_pairs(source: SampleSettings, data: Path) -> tuple[tuple[ImagePair, ...], tuple[ImagePair, ...]]:
    """Return the pairs of a source to train on, and those held out.

    Raises:
        TrainingDataError: the folders are missing, nothing pairs, or a sequence to hold out is not there.
    """
    pairs = find_pairs(data / source.images, data / source.masks)
    sequences = {pair.image.parent.name for pair in pairs}
    if missing := sorted(set(source.hold_out) - sequences):
        message = f"{data / source.images}: there is no sequence '{missing[0]}' to hold out"
        raise TrainingDataError(message)
    every = source.hold_out_every
    held = {
        index
        for index, pair in enumerate(pairs)
        if pair.image.parent.name in source.hold_out or (every and index % every == 0)
    }
    return (
        tuple(pair for index, pair in enumerate(pairs) if index not in held),
        tuple(pair for index, pair in enumerate(pairs) if index in held),
    )


class _Held(MadeWhenAsked[Sample]):
    """Samples held out, as the network meets them in service; made when asked for.

    Of a video every n-th frame is taken, but its flow is that from the frame right before it.
    """

    def __init__(self, recipe: TrainingSettings, pairs: Sequence[ImagePair]) -> None:
        self._indices = range(0, len(pairs), recipe.validation_stride)
        self._motion = recipe.task == "motion"
        self._area = recipe.sizes[0][0] * recipe.sizes[0][1]
        self._source = _held_out(recipe, pairs)

    def __len__(self) -> int:
        return len(self._indices)

    def make(self, index: int) -> Sample:
        sample = self._source.draw(self._indices[index], np.random.default_rng(index))
        if self._motion:
            return sample
        height, width = sample.mask.shape
        return resize(sample, working_size((height, width), self._area))


def _source(recipe: TrainingSettings, source: SampleSettings, data: Path, workers: int) -> SampleSource:
    pairs, _ = split_pairs(source, data)
    if recipe.task == "colour":
        images = ImageMaskPairs(pairs)
        return SamplesInMemory(list(made(images.read, range(len(images)), workers))) if workers else images
    return MotionViews(_moving(recipe, source, pairs, workers), recipe.motion_coding, _augmentation(recipe))


def _moving(
    recipe: TrainingSettings, source: SampleSettings, pairs: Sequence[ImagePair], workers: int
) -> Sequence[MovingPicture]:
    size = recipe.sizes[0]
    if source.kind in GENERATED:
        scenes = _generated(recipe, source, pairs)
        return list(made(scenes.__getitem__, range(len(scenes)), workers)) if workers else scenes
    if not workers:
        return VideoMotion(pairs, size, GAPS, recipe.flow_scale)
    gaps = sorted(set(GAPS))
    video = VideoMotion(pairs, size, gaps, recipe.flow_scale)
    once = list(made(video.__getitem__, range(len(video)), workers))
    return [once[frame * len(gaps) + gaps.index(gap)] for frame in range(len(pairs)) for gap in GAPS]


def _generated(recipe: TrainingSettings, source: SampleSettings, pairs: Sequence[ImagePair]) -> Sequence[MovingPicture]:
    if source.kind == "composites":
        return CompositeMotion(pairs, recipe.sizes[0], source.scenes, recipe.flow_scale)
    return SceneMotion(pairs, pairs, recipe.sizes[0], source.scenes, recipe.flow_scale)


def _held_out(recipe: TrainingSettings, pairs: Sequence[ImagePair]) -> SampleSource:
    if recipe.task == "colour":
        return ImageMaskPairs(pairs)
    return MotionViews(VideoMotion(pairs, recipe.sizes[0], (1,), recipe.flow_scale), recipe.motion_coding, None)


def _augmentation(recipe: TrainingSettings) -> Augmentation:
    return Augmentation(recipe.smallest_crop, recipe.colour, recipe.degrade)


def _load_encoder(model: SaliencyModel, path: Path) -> None:
    encoder = model.network.encoder
    if not isinstance(encoder, PyramidEncoder):
        message = f"'{model.entry.name}' has no encoder with public weights; leave 'encoder' out of the recipe"
        raise TrainingDataError(message)
    try:
        encoder.load_public(torch.load(path, map_location="cpu", weights_only=True))
    except FileNotFoundError:
        message = f"{path}: no such encoder weights"
        raise TrainingDataError(message) from None
    except (ValueError, TypeError) as error:
        message = f"{path}: {error}"
        raise TrainingDataError(message) from None


def _score(model: SaliencyModel, samples: Sequence[Sample]) -> list[tuple[str, float]]:
    """Return maxF and MAE under the paper's convention."""
    sums = Sums()
    device = next(model.parameters()).device
    for sample in samples:
        mask = sample.mask > 0.5
        if not mask.any():
            continue
        rgb = torch.from_numpy(np.ascontiguousarray(sample.image)).to(device).permute(2, 0, 1)[None].float() / 255
        saliency = model(rgb)[0, 0].float().cpu().numpy()
        sums.add(score_frame(tally(quantise(saliency, mask.shape), GroundTruth(mask)))["paper"])
    found = averages([sums], "paper")
    return [] if found is None else [("maxF", found[0].maxF), ("MAE", found[0].MAE)]
