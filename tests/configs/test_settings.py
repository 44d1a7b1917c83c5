import json
from pathlib import Path

import pytest

from configs.errors import ConfigError
from configs.settings import FOLDER, Settings, load_settings, merge


def write(folder: Path, text: str) -> Path:
    path = folder / "livesal.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_command_line_beats_the_environment_beats_yaml_beats_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "http: {port: 1001, host: 127.0.0.2}\nmqtt: {port: 1884}")
    monkeypatch.setenv("LIVESAL_HTTP__PORT", "1002")
    monkeypatch.setenv("LIVESAL_MQTT__PORT", "1885")
    settings = load_settings(path, {"http": {"port": 1003}})
    assert (settings.http.port, settings.http.host, settings.mqtt.port) == (1003, "127.0.0.2", 1885)
    assert settings.mqtt.prefix == "livesal"


def test_the_environment_names_a_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESAL_CAMERAS__FRONT__URL", "rtsp://192.0.2.1/a")
    assert load_settings().cameras["front"].url.get_secret_value() == "rtsp://192.0.2.1/a"


def test_secrets_come_from_the_environment_and_stay_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "hunter2")
    settings = load_settings(write(tmp_path, "cameras: {a: {url: 'rtsp://me:${CAMERA_PASSWORD}@192.0.2.1/s'}}"))
    assert settings.cameras["a"].url.get_secret_value() == "rtsp://me:hunter2@192.0.2.1/s"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("colour: red", "unknown key 'colour'"),
        ("cameras: {a: {url: x, ulr: y}}", "unknown key 'cameras.a.ulr'"),
        ("http: {port: 99999}", "'http.port'"),
        ("cameras: {'Front Door': {url: x}}", "Front Door"),
        ("cameras: {a: {}}", "'cameras.a.url'"),
        ("cameras: {a: {url: x, reconnect: {initial: 9, maximum: 1}}}", "reconnect.maximum"),
        ("cameras: {a: {url: x, options: {'a b': c}}}", "no FFmpeg option"),
        ("cameras: {a: {url: x, zones: {drive: {points: [[0, 0], [1, 1]]}}}}", "'cameras.a.zones.drive.points'"),
        ("cameras: {a: {url: x, masks: [[[0, 0], [1, 0], [2, 1]]]}}", "'cameras.a.masks.0.2.0'"),
        ("events: {webhooks: [{url: 'ftp://192.0.2.1/x'}]}", "'events.webhooks.0.url'"),
        ("[1, 2]", "expected a mapping"),
        ("a: [", "no valid YAML"),
        ("mqtt: {password: '${NOT_SET_ANYWHERE}'}", "NOT_SET_ANYWHERE"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=r"livesal\.yaml") as caught:
        load_settings(write(tmp_path, text))
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "cameras: {a: {url: [hunter2]}}",
        "http: {tokens: [hunter2]}",
        "webrtc: {push: [{camera: a, url: 'hunter2://sfu'}]}",
        "webrtc: {ice_servers: [{url: 'turn:relay', credential: hunter2}]}",
    ],
)
def test_a_wrong_secret_is_not_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, text))
    assert "hunter2" not in str(caught.value)


def test_a_camera_s_encoding_goes_over_the_common_one(tmp_path: Path) -> None:
    text = "webrtc: {encoding: {width: 320, bitrate: 90000}}\ncameras: {a: {url: x, encoding: {width: 1280}}}"
    settings = load_settings(write(tmp_path, text))
    own = settings.cameras["a"].encoding.over(settings.webrtc.encoding)
    assert (own.width, own.bitrate) == (1280, 90_000)


def test_a_codec_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'webrtc\.codecs': .*names a codec twice"):
        load_settings(write(tmp_path, "webrtc: {codecs: [vp8, vp8]}"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        load_settings(tmp_path / "nowhere.yaml")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().http = None  # type: ignore[assignment,misc]


def test_mappings_merge_key_by_key() -> None:
    assert merge({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"c": 4}, "d": {"e": 5}}) == {
        "a": {"b": 1, "c": 4},
        "d": {"e": 5},
    }


@pytest.mark.parametrize("path", sorted(set(FOLDER.glob("*.yaml")) - set(FOLDER.glob("train-*"))), ids=lambda p: p.name)
def test_every_configuration_that_ships_is_valid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_USER", "me")
    monkeypatch.setenv("CAMERA_PASSWORD", "secret")
    assert isinstance(load_settings(path), Settings)


def test_every_key_of_the_schema_is_explained() -> None:
    schema = Settings.model_json_schema()
    json.dumps(schema)
    unexplained = [
        f"{name}.{key}"
        for name, section in schema["$defs"].items()
        for key, value in section["properties"].items()
        if not value.get("description") and "$ref" not in value
    ]
    assert unexplained == []
