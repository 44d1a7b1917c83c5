from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.datasets import Dataset, open_dataset
from pipeline.evaluation.errors import LayoutError, SelectionError
from pipeline.evaluation.layouts.names import layout_names
from pipeline.evaluation.layouts.pairing import pair
from tests.fakes.pictures import write_picture

FRAME = np.full((6, 8, 3), 100, np.uint8)
MASK = np.zeros((6, 8), np.uint8)
MASK[2:4, 2:5] = 255


def files(dataset: Dataset) -> dict[str, list[tuple[str, int]]]:
    """Return each sequence's frames: name and number of mask files."""
    return {
        sequence.name: [(frame.name, len(frame.masks)) for frame in sequence.frames] for sequence in dataset.sequences
    }


def test_davis2016_takes_the_sequences_of_its_split(tmp_path: Path) -> None:
    for name in ("bear", "goat"):
        for index in range(3):
            write_picture(tmp_path / "JPEGImages" / "480p" / name / f"{index:05}.jpg", FRAME)
            write_picture(tmp_path / "Annotations" / "480p" / name / f"{index:05}.png", MASK)
    lists = tmp_path / "ImageSets" / "480p"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("/JPEGImages/480p/goat/00000.jpg /Annotations/480p/goat/00000.png\n")

    dataset = open_dataset(tmp_path, split="val")

    assert dataset.layout == "davis2016"
    assert files(dataset) == {"goat": [("00000", 1), ("00001", 1), ("00002", 1)]}
    (lists / "all.txt").write_text("bear\ngoat\nyak\n")
    write_picture(tmp_path / "JPEGImages" / "480p" / "zebra" / "00000.jpg", FRAME)
    assert [problem.sequence for problem in open_dataset(tmp_path).problems] == ["zebra"]
    (problem,) = open_dataset(tmp_path, split="all").problems
    assert (problem.sequence, problem.kind) == ("yak", "missing sequence")
    with pytest.raises(SelectionError, match=r"no split 'test'.*ImageSets/480p/test\.txt"):
        open_dataset(tmp_path, split="test")


def test_segtrackv2_unites_objects(tmp_path: Path) -> None:
    other = np.zeros_like(MASK)
    other[0, 0] = 255
    write_picture(tmp_path / "JPEGImages" / "drift" / "drift_1.png", FRAME)
    write_picture(tmp_path / "GroundTruth" / "drift" / "1" / "drift_1.png", MASK)
    write_picture(tmp_path / "GroundTruth" / "drift" / "2" / "drift_1.bmp", other)

    dataset = open_dataset(tmp_path)

    assert dataset.layout == "segtrackv2"
    assert files(dataset) == {"drift": [("drift_1", 2)]}
    sequence = dataset.sequences[0]
    truth = sequence.ground_truth(sequence.frames[0])
    assert np.array_equal(truth.mask, (MASK > 0) | (other > 0))


def test_visal_has_ground_truth_on_some_frames(tmp_path: Path) -> None:
    soft = MASK.copy()
    soft[2, 2] = 100
    for index in range(1, 7):
        write_picture(tmp_path / "ViSal" / "boat" / f"boat_{index:03}.jpg", FRAME)
    for index in (1, 6):
        write_picture(tmp_path / "GroundTruth" / "boat" / f"boat_{index:03}.png", soft)

    dataset = open_dataset(tmp_path)
    sequence = dataset.sequences[0]

    assert dataset.layout == "visal"
    assert [frame.name for frame in sequence.labelled] == ["boat_001", "boat_006"]
    assert int(sequence.ground_truth(sequence.labelled[0]).mask.sum()) == 5  # anti-aliased: grey 100 is outside


def test_fbms_reads_both_of_its_codings(tmp_path: Path) -> None:
    coloured = np.full((6, 8, 3), 255, np.uint8)
    coloured[2:4, 2:5] = (0, 0, 255)
    for index in range(1, 4):
        write_picture(tmp_path / "Testset" / "cats01" / f"cats01_{index:04}.jpg", FRAME)
        write_picture(tmp_path / "Trainingset" / "cars2" / f"cars2_{index:02}.jpg", FRAME)
    write_picture(tmp_path / "Testset" / "cats01" / "GroundTruth" / "cats01_0002_gt.ppm", coloured)
    write_picture(tmp_path / "Testset" / "cats01" / "GroundTruth" / "cats01_0002_gt_PROB.pgm", MASK)
    write_picture(tmp_path / "Trainingset" / "cars2" / "GroundTruth" / "cars2_03.pgm", MASK // 2)

    (cats,) = open_dataset(tmp_path, split="test").sequences
    (cars,) = open_dataset(tmp_path, split="train").sequences

    assert [frame.name for frame in cats.labelled] == ["cats01_0002"]
    assert [frame.name for frame in cars.labelled] == ["cars2_03"]
    assert np.array_equal(cats.ground_truth(cats.labelled[0]).mask, MASK > 0)
    assert np.array_equal(cars.ground_truth(cars.labelled[0]).mask, MASK > 0)


def test_davsod_as_published_and_as_its_toolbox_packs_other_sets(tmp_path: Path) -> None:
    write_picture(tmp_path / "a" / "Easy-35" / "select_0001" / "Imgs" / "0001.png", FRAME)
    write_picture(tmp_path / "a" / "Easy-35" / "select_0001" / "GT_object_level" / "0001.png", MASK)
    write_picture(tmp_path / "b" / "blackswan" / "Imgs" / "blackswan_00000.jpg", FRAME)
    write_picture(tmp_path / "b" / "blackswan" / "ground-truth" / "blackswan_00000.png", MASK)

    assert files(open_dataset(tmp_path / "a", split="easy")) == {"select_0001": [("0001", 1)]}
    assert files(open_dataset(tmp_path / "b")) == {"blackswan": [("blackswan_00000", 1)]}
    assert open_dataset(tmp_path / "b").layout == "davsod"


def test_cdnet_counts_known_pixels_inside_the_temporal_region(tmp_path: Path) -> None:
    labels = np.array([[0, 50, 85, 170, 255]], np.uint8)
    video = tmp_path / "dataset" / "shadow" / "bungalows"
    for index in range(1, 5):
        write_picture(video / "input" / f"in{index:06}.jpg", FRAME)
        write_picture(video / "groundtruth" / f"gt{index:06}.png", labels)
    (video / "temporalROI.txt").write_text("2 3")

    dataset = open_dataset(tmp_path, split="shadow")
    sequence = dataset.sequences[0]
    truth = sequence.ground_truth(sequence.labelled[0])

    assert (dataset.layout, sequence.name) == ("cdnet", "shadow/bungalows")
    assert [frame.name for frame in sequence.labelled] == ["in000002", "in000003"]
    assert truth.mask.tolist() == [[False, False, False, False, True]]
    assert truth.counted is not None
    assert truth.counted.tolist() == [[True, True, False, False, True]]


@pytest.mark.parametrize(("layout", "frames"), [("mcl", "MCL"), ("uvsd", "UVSD")])
def test_parallel_folders(layout: str, frames: str, tmp_path: Path) -> None:
    for index in range(9):
        write_picture(tmp_path / frames / "crowd" / f"{index}.jpg", FRAME)
    write_picture(tmp_path / "GT" / "crowd" / "8.png", MASK)

    dataset = open_dataset(tmp_path)

    assert dataset.layout == layout
    assert [frame.name for frame in dataset.sequences[0].labelled] == ["8"]


def test_folders_with_a_palette_and_a_list(tmp_path: Path) -> None:
    palette = np.zeros((6, 8, 3), np.uint8)
    palette[0, 0] = (0, 0, 128)
    for name in ("a", "b"):
        write_picture(tmp_path / "frames" / name / "1.jpg", FRAME)
        write_picture(tmp_path / "masks" / name / "1.png", palette)
    (tmp_path / "dev.txt").write_text("b\n")

    (sequence,) = open_dataset(tmp_path, split="dev").sequences

    assert sequence.name == "b"
    assert int(sequence.ground_truth(sequence.frames[0]).mask.sum()) == 1


@pytest.mark.parametrize("layout", layout_names())
def test_a_wrong_layout_says_what_was_expected_and_found(layout: str, tmp_path: Path) -> None:
    write_picture(tmp_path / "pictures" / "1.jpg", FRAME)

    with pytest.raises(LayoutError, match=f"expected {layout}: .*; found pictures/"):
        open_dataset(tmp_path, layout)


def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    write_picture(tmp_path / "frames" / "a" / "1.jpg", FRAME)
    write_picture(tmp_path / "masks" / "a" / "1.png", MASK)

    with pytest.raises(LayoutError, match="nowhere: no such folder"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(SelectionError, match="no layout is named 'kitti'; there are: auto, folders"):
        open_dataset(tmp_path, "kitti")
    with pytest.raises(SelectionError, match="has no sequence z; it has a"):
        open_dataset(tmp_path, sequences=["z"])


def test_a_mask_without_a_picture_keeps_its_place() -> None:
    frames = pair([Path("1.jpg"), Path("10.jpg")], [Path("2.png"), Path("10.png")])

    assert [(frame.name, frame.image is None) for frame in frames] == [("1", False), ("2", True), ("10", False)]
