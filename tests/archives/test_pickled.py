"""Pickles are parsed, and nothing in them is executed."""

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from rldoctor.archives.pickled import Global, Part, PickleRefused, array_of, read_pickle

PLAIN = [None, True, 3, -(2**70), 1.5, "é", b"bytes", (1, (2,)), [1, [2]], {"a": {"b": 1}}, {1, 2}, frozenset({3})]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_are_what_pickle_itself_reads(protocol):
    plain = PLAIN if protocol >= 4 else [v for v in PLAIN if not isinstance(v, (set, frozenset, bytes))]
    content = pickle.dumps(plain, protocol)
    assert read_pickle(content) == pickle.loads(content)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(4, dtype=">i2"),
        np.array([True, False]),
        np.float64(2.5),
        np.array(7),
    ],
    ids=lambda array: f"{np.asarray(array).dtype}{np.shape(array)}",
)
def test_arrays_are_what_numpy_wrote(array, protocol):
    content = pickle.dumps(array, protocol)
    if protocol == 2:
        # NumPy writes bytes through a text encoding there: nobody has saved a model so since Python 2.
        with pytest.raises(PickleRefused):
            array_of(read_pickle(content))
        return
    read = array_of(read_pickle(content))
    assert read.dtype == np.asarray(array).dtype
    assert np.array_equal(read, array)


class Evil:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)


def test_a_call_is_written_down_and_not_made(tmp_path):
    file = tmp_path / "touched"
    part = read_pickle(pickle.dumps({"a": Evil(file)}))["a"]
    assert isinstance(part, Part)
    assert part.name == f"{os.system.__module__}.system"
    assert part.args == (f"touch {file}",)
    assert not file.exists()


def test_an_object_shows_its_class_and_its_attributes():
    part = read_pickle(pickle.dumps(Global("a", "b")))
    assert part.name.endswith("Global")
    ordered = read_pickle(pickle.dumps(OrderedDict(x=1)))
    assert (ordered.name, ordered.items) == ("collections.OrderedDict", [("x", 1)])


def test_an_object_that_holds_itself_ends():
    loop: list = []
    loop.append(loop)
    read = read_pickle(pickle.dumps(loop))
    assert read[0] is read


@pytest.mark.parametrize(
    "content",
    [b"", b"no pickle", b".", b"\x80\x05.", b"\x80\x05K\x01", b"\x80\x05h\x07.", b"t."],
)
def test_what_is_no_pickle_is_refused(content):
    with pytest.raises(PickleRefused):
        read_pickle(content)


def test_a_persistent_id_is_refused():
    with pytest.raises(PickleRefused, match="PERSID"):
        read_pickle(b"Pabc\n.")


def test_object_arrays_are_refused():
    with pytest.raises(PickleRefused, match="type"):
        array_of(read_pickle(pickle.dumps(np.array([object, None]), 4)))


def test_damage_is_told_as_such():
    content = pickle.dumps({"mean": np.arange(9.0), "name": "x"}, 4)
    for place in range(0, len(content), 3):
        damaged = content[:place] + bytes([content[place] ^ 0x5A]) + content[place + 1 :]
        try:
            tree = read_pickle(damaged)
            array_of(tree["mean"] if isinstance(tree, dict) else tree)
        except (PickleRefused, KeyError):
            continue
