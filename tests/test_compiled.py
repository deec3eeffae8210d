"""What is kept of shipped data: the same as reading it again, and never in the way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from msgspec import Struct

from rldoctor import datafile, references
from rldoctor.caches import compiled
from rldoctor.logs.tag_mapping import TagMapping, load_tag_mapping
from rldoctor.rulebook import load
from rldoctor.settings import library, signs


class Kept(Struct, frozen=True):
    """Something to keep."""

    numbers: dict[str, tuple[float, ...]]
    file: Path


VALUE = Kept({"a": (0.1, float("inf")), "ü": ()}, Path("checks/x.toml"))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RLDOCTOR_CACHE", str(tmp_path / "cache"))
    # Files that were just written are as good as old ones here.
    monkeypatch.setattr(compiled, "SETTLED", -(10**18))
    return tmp_path / "cache"


def get(name="kept"):
    """Return the value, and whether it had to be made."""
    made = []
    return compiled.compiled(name, Kept, lambda: made.append(1) or VALUE), bool(made)


def only_file(cache):
    (path,) = (path for path in cache.rglob("*") if path.is_file())
    return path


def test_what_was_made_once_is_read_from_then_on(cache):
    assert get() == (VALUE, True)
    assert get() == (VALUE, False)
    assert get("other") == (VALUE, True)


def test_another_build_makes_it_again(cache, monkeypatch):
    get()
    monkeypatch.setattr(compiled, "build", lambda: ("another", 0))
    assert get() == (VALUE, True)
    assert get() == (VALUE, False)
    assert only_file(cache), "there is one file for each installation and name"


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[: len(b) // 2], lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b"", lambda b: b"x" * 9_000],
    ids=["half", "a bit", "empty", "something else"],
)
def test_a_damaged_file_is_made_again(cache, damage):
    get()
    path = only_file(cache)
    path.write_bytes(damage(path.read_bytes()))
    assert get() == (VALUE, True)
    assert get() == (VALUE, False)


def test_without_a_place_to_keep_it_all_goes_on(cache, monkeypatch):
    cache.write_text("a file where the folder should be")
    assert get() == (VALUE, True)
    monkeypatch.delenv("RLDOCTOR_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", staticmethod(lambda: (_ for _ in ()).throw(RuntimeError("no home"))))
    assert get() == (VALUE, True)


def test_files_that_changed_a_moment_ago_are_not_trusted(cache, monkeypatch):
    monkeypatch.setattr(compiled, "SETTLED", 10**18)
    assert get() == (VALUE, True)
    assert get() == (VALUE, True)


def test_the_shipped_data_is_the_same_from_the_cache(cache):
    root = datafile.folder("checks")
    for name, kind, make in (
        ("rulebook", load._Parts, lambda: load._read(root)),
        ("setting-signs", dict[str, signs.SettingSign], signs._setting_signs),
        ("setting-libraries", tuple[library.Library, ...], library._libraries),
    ):
        read = make()
        compiled.compiled(name, kind, lambda read=read: read)
        again = compiled.compiled(name, kind, lambda: pytest.fail("it was kept"))
        # Not by ==: an example has NaN in it.
        assert repr(again) == repr(read), name
    paths = sorted((root / "tags").rglob("*.toml"))
    mappings = compiled.compiled("tags", tuple[TagMapping, ...], lambda: tuple(map(load_tag_mapping, paths)))
    again = compiled.compiled("tags", tuple[TagMapping, ...], lambda: pytest.fail("it was kept"))
    assert [repr(mapping) for mapping in again] == [repr(mapping) for mapping in mappings]


def test_bands_of_references_are_those_of_their_files():
    folder = datafile.folder("reference_curves") / "cartpole/zoo"
    read, loaded = references.read_bands(folder / references.CURVES_FILE), references.load("cartpole/zoo").bands
    assert read.keys() == loaded.keys()
    for name, band in read.items():
        for part in ("steps", "low", "median", "high"):
            np.testing.assert_array_equal(getattr(band, part), getattr(loaded[name], part))


def test_an_edited_rule_counts_at_once(tmp_path):
    """In a copy of the package: what is kept of the rules before the edit is not used."""
    package = Path(compiled.__file__).parents[1]
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, tmp_path / "rldoctor", ignore=skip)
    for name in ("checks", "reference_curves"):
        shutil.copytree(datafile.folder(name), tmp_path / name)
    (tmp_path / "pyproject.toml").touch()
    for path in tmp_path.rglob("*"):
        os.utime(path, (10**9, 10**9))
    show = "from rldoctor.rulebook import load_rulebook; print(load_rulebook().signs['RET101'].remedy)"

    def remedy():
        environment = {**os.environ, "RLDOCTOR_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", show], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    before = remedy()
    assert list((tmp_path / "cache").rglob("rulebook-*"))
    (sign,) = (tmp_path / "checks" / "signs").rglob("RET101-*.toml")
    sign.write_text(sign.read_text("utf-8").replace('remedy = """\n', 'remedy = """\nNow: '), "utf-8")
    assert remedy() == f"Now: {before}"
