"""Pickles that create a file, planted wherever a run has bytes."""

from __future__ import annotations

import io
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reliability.fault import Row, here
from benchmarks.reliability.trust.short_training import trained
from rldoctor import run_directory


class Planted:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def repacked(path: Path, change: Callable[[str, bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, change(name, content))


def planted_pickles(place: Path, often: int) -> Row:
    """In each file of a run and each member of its archives, by itself and as PyTorch and numpy pack it."""
    import torch

    whole, trap = trained(place / "whole"), place / "trap"
    pickle.loads(pickle.dumps(Planted(trap)))
    assert trap.exists(), "the trap works"
    trap.unlink()
    packed = io.BytesIO()
    torch.save({"a": Planted(trap)}, packed)
    arrays = io.BytesIO()
    np.save(arrays, np.array([Planted(trap)], dtype=object), allow_pickle=True)
    bait = (pickle.dumps(Planted(trap)), packed.getvalue(), arrays.getvalue(), pickle.dumps(Planted(trap), 0))
    names = [path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()]
    names += [
        "evaluations.npz",
        "progress.csv",
        "progress.json",
        "monitor.csv",
        "report.json",
        "model.pkl",
        "meta.yaml",
    ]
    spots = [(name, "") for name in names]
    for name in names:
        if name.endswith(".zip"):
            with zipfile.ZipFile(whole / name) as archive:
                spots += [(name, member) for member in archive.namelist()]
    tried = 0
    for name, member in spots[:: max(1, len(spots) // often)]:
        for content in bait:
            tried += 1
            directory = Path(shutil.copytree(whole, place / "run"))
            if member:
                repacked(
                    directory / name, lambda m, old, member=member, content=content: content if m == member else old
                )
            else:
                (directory / name).write_bytes(content)
            (directory / run_directory.EVALUATION_FILE).exists()
            for words in (("diagnose",), ("gate",), ("evaluate", "--episodes", "1"), ("train", "--resume")):
                code, _ = here(*words[:1], *words[1:], directory)
                assert code in (0, 1, 2, 3)
                assert not trap.exists(), (name, member, words)
            here("show", directory / name)
            assert not trap.exists(), (name, member)
            shutil.rmtree(directory)
    return Row(tried, "diagnose, gate, evaluate, train --resume and show run none of them")
