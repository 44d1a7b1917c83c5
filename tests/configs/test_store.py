import errno
import os
import tempfile
from pathlib import Path

import pytest

from configs.errors import ConfigError, NotKeptError, PinnedError
from configs.settings import Settings
from configs.store import FileStore, MemoryStore, write_atomically

TEXT = "cameras:\n  door: {url: 'rtsp://me:${DOOR_PASSWORD}@h/1'}  # front\n"
SECRET = "hunter22"  # noqa: S105 - planted


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOOR_PASSWORD", SECRET)
    monkeypatch.setenv("SOMETHING_ELSE", "private")
    path = tmp_path / "livesal.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_plan_changes_nothing_until_it_is_committed(path: Path) -> None:
    store = FileStore(path)
    store.reload()
    plan = store.plan("yard", {"url": "demo://"})
    assert path.read_text() == TEXT
    assert plan.settings.cameras["yard"].url.get_secret_value() == "demo://"
    store.commit(plan)
    assert FileStore(path).reload().cameras == plan.settings.cameras
    assert "${DOOR_PASSWORD}" in path.read_text()
    assert SECRET not in path.read_text()


def test_a_foreign_change_is_seen_once_it_has_settled_and_an_own_one_never(path: Path) -> None:
    store = FileStore(path)
    store.reload()
    store.commit(store.plan("yard", {"url": "demo://"}))
    assert [store.differs(), store.differs()] == [False, False]
    path.write_text("cameras:\n")
    assert store.differs() is False, "its writer may not be done"
    path.write_text(TEXT)
    assert [store.differs(), store.differs()] == [False, True]
    store.reload()
    assert store.differs() is False
    path.unlink()
    assert [store.differs(), store.differs()] == [False, True]
    with pytest.raises(ConfigError, match="cannot be read"):
        store.reload()
    assert [store.differs(), store.differs()] == [False, False], "a missing file is said once"


def test_references_are_for_cameras_and_for_what_cameras_use_already(path: Path) -> None:
    store = FileStore(path)
    assert store.plan("yard", {"url": "rtsp://me:${DOOR_PASSWORD}@h/2"}).settings.cameras["yard"]
    with pytest.raises(ConfigError, match=r"\$\{SOMETHING_ELSE\}.*begins with CAMERA_"):
        store.plan("yard", {"url": "rtsp://h/${SOMETHING_ELSE}"})
    with pytest.raises(ConfigError, match="hides"):
        store.plan("door", {"url": "rtsp://***@h/1"})


def test_what_comes_first_cannot_be_overruled(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESAL_CAMERAS__DOOR__LOOP", "true")
    store = FileStore(path, {"cameras": {"shed": {"url": "demo://"}}})
    door = store.written("door")
    assert store.plan("door", {**door, "paused": True}).settings.cameras["door"].loop is True
    for name, camera in [("door", {**door, "loop": False}), ("door", None), ("shed", None)]:
        with pytest.raises(PinnedError, match=rf"cameras\.{name}\..*come first"):
            store.plan(name, camera)
    paused = store.plan("shed", {"paused": True})
    assert (paused.settings.cameras["shed"].paused, "shed:\n    paused: true" in paused.content) == (True, True)


def test_a_file_without_the_key_is_refused_and_an_empty_one_is_not(path: Path) -> None:
    store = FileStore(path)
    store.commit(store.plan("door", None))
    assert store.reload().cameras == {}
    path.write_text("http: {port: 1}\n")
    with pytest.raises(ConfigError, match="names no camera; add one"):
        store.reload()


def test_a_full_disk_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.chmod(0o640)
    link = path.with_name("link.yaml")
    link.symlink_to(path)
    write_atomically(link, "a: 1\n")
    assert (path.read_text(), path.stat().st_mode & 0o777, link.is_symlink()) == ("a: 1\n", 0o640, True)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotKeptError, match=r"livesal\.yaml: .*No space left.*was not made"):
        write_atomically(path, "b: 2\n")
    assert path.read_text() == "a: 1\n"
    assert sorted(found.name for found in path.parent.iterdir()) == ["link.yaml", "livesal.yaml"]
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", lambda *_, **__: full(0))
    with pytest.raises(NotKeptError):
        write_atomically(path, "b: 2\n")


def test_memory_keeps_secrets_and_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", SECRET)
    url = f"rtsp://me:{SECRET}@h/1"
    store = MemoryStore(Settings.model_validate({"cameras": {"door": {"url": url}}, "http": {"port": 9}}))
    plan = store.plan("yard", {"url": "rtsp://me:${CAMERA_PASSWORD}@h/1"})
    assert "yard" not in store.reload().cameras
    store.commit(plan)
    settings = store.reload()
    assert [camera.url.get_secret_value() for camera in settings.cameras.values()] == [url, url]
    assert settings.http.port == 9
    store.commit(store.plan("door", None))
    assert list(store.reload().cameras) == ["yard"]
    assert store.written("door") == {}
