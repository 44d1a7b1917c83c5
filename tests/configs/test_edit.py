import pytest
import yaml

from configs.edit import merge_patch, with_camera
from configs.errors import ConfigError

TEXT = """\
# Our cameras. Ask Anna before you change them.
cameras:
  # the front door
  door:
    url: 'rtsp://${CAMERA_USER}:${CAMERA_PASSWORD}@192.0.2.10/1'  # main stream
    frame_age: 0.5   # seconds
  # the garden, behind the house
  garden:
    url: "rtsp://192.0.2.11/1"
    options: {stimeout: "5", probesize: "32"}
  yard:
    url: rtsp://192.0.2.12/1

http:
  port: 8080 # behind nginx
  tokens:
    - ${LIVESAL_TOKEN}
"""


def test_a_change_touches_its_own_line_only() -> None:
    garden = {"url": "rtsp://192.0.2.99/2", "options": {"stimeout": "5", "probesize": "32"}}
    changed = with_camera(TEXT, "garden", garden, "x.yaml")
    assert changed == TEXT.replace('"rtsp://192.0.2.11/1"', '"rtsp://192.0.2.99/2"')


def test_a_camera_is_added_behind_the_others() -> None:
    changed = with_camera(TEXT, "attic", {"url": "demo://", "paused": True}, "x.yaml")
    assert list(yaml.safe_load(changed)["cameras"]) == ["door", "garden", "yard", "attic"]
    assert changed.replace("  attic:\n    url: demo://\n    paused: true\n", "") == TEXT


def test_a_camera_that_is_taken_out_leaves_the_comments_of_the_next() -> None:
    changed = with_camera(TEXT, "door", None, "x.yaml")
    lines = "    url: 'rtsp://${CAMERA_USER}:${CAMERA_PASSWORD}@192.0.2.10/1'  # main stream\n"
    expected = TEXT.replace("  door:\n" + lines + "    frame_age: 0.5   # seconds\n", "")
    assert changed == expected


def test_the_last_camera_leaves_an_empty_mapping_and_the_first_begins_one() -> None:
    empty = with_camera("cameras: {door: {url: a}}\nlog: {level: INFO}\n", "door", None, "x.yaml")
    assert yaml.safe_load(empty) == {"cameras": {}, "log": {"level": "INFO"}}
    for text in (empty, "", "log: {level: INFO}\n", "cameras:\nlog: {level: INFO}\n"):
        again = with_camera(text, "on", {"url": "yes"}, "x.yaml")
        assert yaml.safe_load(again)["cameras"] == {"on": {"url": "yes"}}


def test_a_camera_fits_into_braces_as_well() -> None:
    url = "demo://?width=640&height=360&fps=10"
    changed = with_camera("cameras: {front: {url: 'demo://?fps=10'}}\n", "door", {"url": url}, "x.yaml")
    assert changed == "cameras: {front: {url: 'demo://?fps=10'}, door: {url: \"" + url + '"}}\n'


@pytest.mark.parametrize(
    "text",
    [
        "cameras: {a: &shared {url: x}, b: *shared}\n",
        "base: &base {loop: true}\ncameras: {b: {<<: *base, url: x}}\n",
    ],
)
def test_what_is_shared_by_an_anchor_is_not_changed_behind_its_owners_back(text: str) -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml.*by hand"):
        with_camera(text, "b", {"url": "y"}, "x.yaml")


def test_a_merge_patch_merges_and_takes_away() -> None:
    camera = {"url": "a", "loop": True, "reconnect": {"initial": 1, "maximum": 2}}
    patch = {"loop": None, "reconnect": {"maximum": 9}, "paused": True, "options": {"a": "b", "c": None}}
    assert merge_patch(camera, patch) == {
        "url": "a",
        "reconnect": {"initial": 1, "maximum": 9},
        "paused": True,
        "options": {"a": "b"},
    }


NASTY = [
    "",
    " ",
    "on",
    "no",
    "1e3",
    "12:30",
    "0x1f",
    "null",
    "~",
    "a: b",
    "a #b",
    "'",
    '"',
    "*a",
    "&a",
    "!a",
    "- a",
    "[",
]


@pytest.mark.parametrize("value", [*NASTY, True, 5, 0.25, {"on": "off", "a b": 1}, {}], ids=repr)
def test_what_is_written_is_what_is_read_back(value: object) -> None:
    added = with_camera(TEXT, "attic", {"url": value}, "x.yaml")
    assert yaml.safe_load(added)["cameras"]["attic"] == {"url": value}
    changed = with_camera(added, "attic", {"url": "x", "options": value}, "x.yaml")
    assert yaml.safe_load(changed)["cameras"]["attic"] == {"url": "x", "options": value}
    assert with_camera(changed, "attic", None, "x.yaml") == TEXT
