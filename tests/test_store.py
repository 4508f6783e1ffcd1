"""The store on disk."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import armexec
from armexec.store import STORES, Store, cache_directory, distrust, is_on

KEY = Store.key("a key")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@given(st.lists(st.binary()), st.lists(st.binary()))
@settings(deadline=None)
def test_keys_are_equal_only_for_equal_parts(first: list[bytes], second: list[bytes]) -> None:
    assert (Store.key(*first) == Store.key(*second)) == (first == second)


@given(st.binary(), st.binary())
@settings(max_examples=40, deadline=None)
def test_the_last_bytes_put_are_found(first: bytes, second: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store("things", root=Path(folder))
        assert store.get(KEY) is None
        store.put(KEY, first)
        assert Store("things", root=Path(folder)).get(KEY) == first
        store.put(KEY, second)
        assert store.get(KEY) == second
        assert store.get(Store.key("another")) is None
        store.drop(KEY)
        assert store.get(KEY) is None


@given(st.binary(max_size=40), st.data())
@settings(max_examples=40, deadline=None)
def test_a_damaged_entry_is_not_there(payload: bytes, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store("things", root=Path(folder))
        store.put(KEY, payload)
        (path,) = files(Path(folder))
        raw = path.read_bytes()
        damage = st.one_of(
            st.integers(0, len(raw) - 1).map(lambda end: raw[:end]),
            st.tuples(st.integers(0, len(raw) - 1), st.integers(1, 255)).map(
                lambda flip: raw[: flip[0]] + bytes([raw[flip[0]] ^ flip[1]]) + raw[flip[0] + 1 :]
            ),
            st.binary(min_size=1).map(lambda extra: raw + extra),
        )
        path.write_bytes(data.draw(damage))
        assert store.get(KEY) is None
        store.put(KEY, payload)
        assert store.get(KEY) == payload


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    store = Store("things", root=tmp_path, limit=16 * 4096)  # 4096 bytes for each of the 16 parts
    keys = [f"0{number:063x}" for number in range(6)]
    for age, key in enumerate(keys[:3]):
        store.put(key, bytes(1000))
        (path,) = (path for path in files(tmp_path) if path.name == key[1:])
        os.utime(path, (1000 + age, 1000 + age))
    assert store.get(keys[0]) is not None  # and so it's the one used last
    store.put(keys[3], bytes(1800))
    assert [store.get(key) is not None for key in keys[:4]] == [True, False, True, True]
    store.put(keys[4], bytes(100_000))
    assert [store.get(key) is not None for key in keys[:5]] == [False, False, False, False, True]


def test_files_of_dead_writers_are_removed(tmp_path: Path) -> None:
    store = Store("things", root=tmp_path)
    store.put(KEY, b"x")
    (path,) = files(tmp_path)
    abandoned, current = path.with_name(".abandoned"), path.with_name(".current")
    for temporary in (abandoned, current):
        temporary.write_bytes(b"half")
    os.utime(abandoned, (0, 0))
    Store("things", root=tmp_path).put(KEY, b"y")
    assert not abandoned.exists()
    assert current.exists()


def test_a_store_that_cannot_be_written_is_empty(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    store = Store("things", root=tmp_path / "file")
    store.put(KEY, b"x")
    assert store.get(KEY) is None
    store.drop(KEY)


def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("ARMEXEC_CACHE_DIR", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert cache_directory() is None
    store = Store("things")
    store.put(KEY, b"x")
    assert store.get(KEY) is None


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("ARMEXEC_CACHE_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_directory() == tmp_path / ".cache" / "armexec"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_directory() == tmp_path / ".cache" / "armexec"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_directory() == tmp_path / "xdg" / "armexec"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_directory() == tmp_path / "Library" / "Caches" / "armexec"
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(tmp_path / "mine"))
    assert cache_directory() == tmp_path / "mine"


@pytest.mark.parametrize("word", ["off", "OFF", "no", "0", "false"])
def test_it_can_be_switched_off(word: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(tmp_path))
    Store("things").put(KEY, b"before")
    monkeypatch.setenv("ARMEXEC_CACHE", word)
    assert not is_on()
    store = Store("things")
    store.put(KEY, b"after")
    assert store.get(KEY) is None
    monkeypatch.setenv("ARMEXEC_CACHE", "on")
    assert Store("things").get(KEY) == b"before"


def test_what_is_there_can_be_counted_and_cleared(tmp_path: Path) -> None:
    store = Store("things", root=tmp_path)
    assert store.contents() == (0, 0)
    for number in range(5):
        store.put(Store.key(str(number)), bytes(100))
    entries, size = store.contents()
    assert entries == 5
    assert size == sum(path.stat().st_size for path in files(tmp_path)) > 500
    assert store.clear() == (entries, size)
    assert store.contents() == (0, 0)
    assert not files(tmp_path)


def test_the_limit_holds_for_many_small_entries(tmp_path: Path) -> None:
    store = Store("things", root=tmp_path, limit=16 * 4096)
    for number in range(400):
        store.put(Store.key(str(number)), bytes(200))
    entries, size = store.contents()
    assert 100 < entries < 400
    assert size <= 16 * 4096


def test_every_store_is_named() -> None:
    sources = "".join(path.read_text() for path in Path(armexec.__file__).parent.rglob("*.py"))
    used = set(re.findall(r"\bStore\(\"(\w+)\"", sources))
    assert used == set(STORES)


def _entry(root: Path) -> tuple[Store, Path]:
    """A store with one entry, and its file."""
    store = Store("things", root=root)
    store.put(KEY, b"content")
    (path,) = files(root / "things")
    return store, path


@pytest.mark.parametrize(
    "kind",
    ["fifo", "/dev/zero", "/dev/null", "enormous", "folder", "link", "another's content", "not UTF-8", "nothing"],
)
def test_an_entry_that_is_something_else_is_not_there(kind: str, tmp_path: Path) -> None:
    store, path = _entry(tmp_path)
    other = Store.key("another")
    store.put(other, b"another's")
    original = path.read_bytes()
    others = (tmp_path / "things" / other[0] / other[1:]).read_bytes()
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind.startswith("/dev/"):
        path.symlink_to(kind)
    elif kind == "enormous":
        with path.open("wb") as file:
            file.write(original)
            file.truncate(1 << 40)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_bytes(original)
        path.symlink_to(elsewhere)
    else:
        path.write_bytes({"another's content": others, "not UTF-8": b"\xff\xfe" * 40, "nothing": b""}[kind])
    assert Store("things", root=tmp_path).get(KEY) is None
    store.put(KEY, b"made again")
    # A folder stays; it is only in the way.
    assert store.get(KEY) == (None if kind == "folder" else b"made again")
    assert store.get(other) == b"another's"


def test_entries_that_others_may_have_written_are_not_read(tmp_path: Path) -> None:
    store, path = _entry(tmp_path)
    path.chmod(0o666)
    assert store.get(KEY) is None
    path.chmod(0o600)
    assert store.get(KEY) == b"content"
    if os.geteuid() == 0:
        os.chown(path, 12345, 0)
        assert store.get(KEY) is None


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o775, 0o702, 0o720, 0o1777])
@pytest.mark.parametrize("which", [".", "things"])
def test_a_folder_that_others_can_write_to_is_not_used(mode: int, which: str, tmp_path: Path) -> None:
    _entry(tmp_path)
    (tmp_path / which).chmod(mode)
    store = Store("things", root=tmp_path)
    assert store.get(KEY) is None
    before = files(tmp_path)
    store.put(Store.key("new"), b"new")
    assert files(tmp_path) == before
    assert "others can write to" in distrust(tmp_path / which)
    (tmp_path / which).chmod(0o755)
    assert store.get(KEY) == b"content"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user_is_not_used(tmp_path: Path) -> None:
    _entry(tmp_path)
    os.chown(tmp_path, 12345, -1)
    assert Store("things", root=tmp_path).get(KEY) is None
    assert "another user" in distrust(tmp_path)


def test_folders_above_count_too(tmp_path: Path) -> None:
    above = tmp_path / "above"
    _entry(above / "cache")
    above.chmod(0o777)
    assert Store("things", root=above / "cache").get(KEY) is None
    # As /tmp: what is in it belongs to whom it belongs to.
    above.chmod(0o1777)
    assert Store("things", root=above / "cache").get(KEY) == b"content"
    link = tmp_path / "link"
    link.symlink_to(above / "cache")
    assert Store("things", root=link).get(KEY) == b"content"
    above.chmod(0o777)
    assert Store("things", root=link).get(KEY) is None


def test_folders_are_made_for_this_user_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        _, path = _entry(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    for folder in (tmp_path / "a", tmp_path / "a" / "b", *path.parents[:2]):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("name", "levels"), [("d", 150), ("d", 1800), ("a-rather-long-name", 2000)])
def test_a_deep_folder_is_used_or_not_but_no_error(name: str, levels: int, tmp_path: Path) -> None:
    """The last isn't even a path that the system takes."""
    root = tmp_path.joinpath(*[name] * levels)
    store = Store("things", root=root)
    store.put(KEY, b"content")
    assert store.get(KEY) == (b"content" if levels == 150 else None)
    assert store.contents().entries == (levels == 150)
    assert store.clear().entries == (levels == 150)


def test_a_full_disk_is_no_error(tmp_path: Path) -> None:
    code = """
import resource, signal, sys
from pathlib import Path
from armexec.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
store = Store("things", root=Path(sys.argv[1]))
store.put(Store.key("large"), bytes(2000))
store.put(Store.key("small"), bytes(200))
print(store.get(Store.key("large")), store.get(Store.key("small")) == bytes(200), store.contents())
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("None True Contents(entries=1,")


def test_info_says_when_the_cache_is_not_used(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-m", "armexec", "info"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "ARMEXEC_CACHE_DIR": str(tmp_path)},
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("cache")]
    assert f"not used: others can write to {tmp_path}" in line
    assert not files(tmp_path)
