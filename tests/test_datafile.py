"""Data files: where they lie, what is said of a bad one, and that what is written is read back."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated

import msgspec
import pytest

from rldoctor import datafile
from rldoctor.errors import RldoctorError, UsageError


@pytest.mark.parametrize(
    ("name", "inside"),
    [("checks", "metrics.toml"), ("checks", "diagnoses"), ("reference_curves", "fetch_reach_dense/quick/recipe.toml")],
)
def test_data_folders_are_found(name, inside):
    assert (datafile.folder(name) / inside).exists()


def test_a_wheels_place_is_found_where_there_is_no_checkout(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "rldoctor"
    (package / "_shipped" / "checks").mkdir(parents=True)
    # Another distribution's folder of the same name beside the package is not ours.
    (package.parent / "checks").mkdir()
    monkeypatch.setattr(datafile, "_PACKAGE", package)
    assert datafile.folder("checks") == package / "_shipped" / "checks"


def test_a_checkout_goes_before_the_wheels_copy(tmp_path, monkeypatch):
    package = tmp_path / "rldoctor"
    (package / "_shipped" / "checks").mkdir(parents=True)
    (tmp_path / "checks").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(datafile, "_PACKAGE", package)
    assert datafile.folder("checks") == tmp_path / "checks"


def test_a_damaged_installation_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(datafile, "_PACKAGE", tmp_path / "rldoctor")
    with pytest.raises(RldoctorError, match="missing from this installation"):
        datafile.folder("checks")


class Kind(StrEnum):
    GOOD = "good"
    BAD = "bad"


class Circle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="circle", tag_field="shape"):
    radius: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class Square(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="square", tag_field="shape"):
    corners: tuple[float, float]

    def __post_init__(self):
        if self.corners[0] == self.corners[1]:
            raise ValueError("the corners must be two different numbers")


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    title: Annotated[str, msgspec.Meta(min_length=1)]
    kind: Kind = Kind.GOOD
    drawn: Annotated[tuple[Circle | Square, ...], msgspec.Meta(min_length=1)] = (Circle(),)
    pages: Annotated[int, msgspec.Meta(ge=1)] = 1
    weights: dict[str, Annotated[float, msgspec.Meta(ge=-1e308, le=1e308)]] = {}  # msgspec copies it
    words: tuple[str, ...] = ()
    limit: float | None = None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"titel": "x"}, "book.toml: unknown key 'titel'. Did you mean title?"),
        ({"verb": 1}, "book.toml: unknown key 'verb'. It is called words now."),
        ({"title": " "[:0]}, "book.toml: title = '' must be a text that is not empty."),
        ({"title": 3}, "book.toml: title = 3 must be a text."),
        ({"kind": "god"}, "book.toml: kind = 'god' is not known. Allowed: good, bad."),
        ({"kind": "x"}, "book.toml: kind = 'x' is not known. Allowed: good, bad."),
        ({"pages": 0}, "book.toml: pages = 0 must be a whole number of at least 1."),
        ({"pages": True}, "book.toml: pages = True must be a whole number."),
        ({"limit": "much"}, "book.toml: limit = 'much' must be a number."),
        ({"words": "one"}, "book.toml: words = 'one' must be a list. Write words = [\"one\"]."),
        ({"words": [1]}, "book.toml: words = 1 must be a text."),
        ({"weights": {"a": 1, "b": True}}, "book.toml: weights.b = True must be a number."),
        ({"weights": {"a": math.inf}}, "book.toml: weights.a = inf must be a finite number."),
        ({"weights": {"a": math.nan}}, "book.toml: weights.a = nan must be a finite number."),
        ({"weights": 3}, "book.toml: weights = 3 must be a table."),
        ({"drawn": []}, "book.toml: drawn = [] must be a list that is not empty."),
        ({"drawn": [{}]}, "book.toml: the key 'drawn.shape' is missing."),
        ({"drawn": [{"shape": "squar"}]}, "book.toml: drawn.shape = 'squar' is not known. Allowed: circle, square."),
        ({"drawn": [{"shape": "square"}]}, "book.toml: the key 'drawn.corners' is missing."),
        ({"drawn": [{"shape": "circle", "radios": 1}]}, "unknown key 'drawn.radios'. Did you mean radius?"),
        ({"drawn": [{"shape": "circle", "radius": 0}]}, "drawn.radius = 0 must be a number above 0."),
        ({"drawn": [{"shape": "square", "corners": [1]}]}, "drawn.corners = [1] must be a list of 2 values."),
        ({"drawn": [{"shape": "square", "corners": [1, 1]}]}, "drawn: the corners must be two different numbers."),
    ],
)
def test_a_mistake_is_named_with_file_key_and_what_is_allowed(change, said):
    with pytest.raises(UsageError) as caught:
        datafile.check({"title": "t", **change}, Book, "book.toml", renamed={"verb": "words"})
    assert said in str(caught.value)


def test_a_table_of_another_file_is_named_before_its_keys():
    with pytest.raises(UsageError, match=r"pyproject\.toml: unknown key 'tool\.rldoctor\.titel'"):
        datafile.check({"title": "t", "titel": 1}, Book, "pyproject.toml", "tool.rldoctor")
    with pytest.raises(UsageError, match=r"its content = 3 must be a table"):
        datafile.check(3, Book, "pyproject.toml")


def test_what_is_written_is_read_back_whole(tmp_path):
    path = tmp_path / "book.toml"
    content = {"title": 'a "quoted" \x7f \\ line\nand ü', "pages": 3, "limit": None, "weights": {"a": 1e-7, "b": -2.0}}
    datafile.write_toml(path, content, "Written by a test.\nTwo lines.")
    assert path.read_text(encoding="utf-8").startswith("# Written by a test.\n# Two lines.\n")
    assert datafile.load(path, Book) == datafile.check({**content, "limit": None}, Book, "")
    path.write_text("﻿title = 'from Windows'", encoding="utf-8")
    assert datafile.load(path, Book).title == "from Windows"


@pytest.mark.parametrize("garbage", [b"\xff\xfe", b"= 3", b"a = [1", b"a = " + b"[" * 5_000, b"a = " + b"9" * 5_000])
def test_garbage_is_no_toml(tmp_path, garbage):
    (tmp_path / "book.toml").write_bytes(garbage)
    with pytest.raises(UsageError, match=r"The book .*book\.toml cannot be read: it is not TOML"):
        datafile.load(tmp_path / "book.toml", Book, "book")
