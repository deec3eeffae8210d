"""Policies as hostile archives: zip bombs, false sizes, overlapping members, wrong shapes."""

from __future__ import annotations

import copy
import io
import resource
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.reliability.fault import Row
from benchmarks.reliability.trust.short_training import SETTINGS
from rldoctor import run_directory
from rldoctor.errors import CannotJudge
from rldoctor.references import load_recipe


def _archives(policy: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield hostile policies: what is wrong, and the archive."""
    import torch

    def with_member(name: str, content: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
        file = io.BytesIO(policy)
        new = io.BytesIO()
        with zipfile.ZipFile(file) as old, zipfile.ZipFile(new, "w") as archive:
            for member in old.namelist():
                if member != name:
                    archive.writestr(member, old.read(member))
            archive.writestr(name, content, compression)
        return new.getvalue()

    def saved(thing: Any) -> bytes:
        file = io.BytesIO()
        torch.save(thing, file)
        return file.getvalue()

    zeros = bytes(2**20)
    huge = io.BytesIO()
    with (
        zipfile.ZipFile(huge, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("policy.pth", "w", force_zip64=True) as member,
    ):
        for _ in range(600):
            member.write(zeros)
    yield "a member of 600 MiB in 600 kB", huge.getvalue()
    inner = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(saved({"a": torch.zeros(2**24)}))) as old,
        zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    yield "tensors that unpack to a thousand times their size", with_member("policy.pth", inner.getvalue())
    claims = bytearray(saved({"a": torch.zeros(4)}))
    at = claims.rindex(b"PK\x01\x02")
    claims[at + 24 : at + 28] = b"\xff\xff\xff\x7f"
    yield "a directory that claims 2 GiB", with_member("policy.pth", bytes(claims))
    overlapping = io.BytesIO(saved({"a": torch.zeros(1000)}))
    with zipfile.ZipFile(overlapping, "a") as archive:
        [data] = [member for member in archive.infolist() if member.filename.endswith("data/0")]
        for i in range(1000):
            again = copy.copy(data)
            again.filename = f"archive/data/{i + 1}"
            archive.filelist.append(again)
        archive._didModify = True
    yield "the same bytes under a thousand names", with_member("policy.pth", overlapping.getvalue())
    yield "weights of other shapes", with_member("policy.pth", saved({"log_std": torch.zeros(7)}))
    yield "no dictionary", with_member("policy.pth", saved(torch.zeros(3)))
    yield (
        "an optimizer of other shapes",
        with_member("policy.optimizer.pth", saved({"state": {0: 1}, "param_groups": []})),
    )
    yield "JSON a hundred thousand deep", with_member("rldoctor.json", b"[" * 100_000)
    yield (
        "one tensor under every name, stretched",
        with_member("policy.pth", saved({f"w{i}": torch.zeros(1).expand(10**9) for i in range(99)})),
    )


def hostile_policies(place: Path, often: int) -> Row:
    from rldoctor.environments.vec_envs import make_training_envs
    from rldoctor.training import algorithm
    from rldoctor.training.train import train

    recipe = load_recipe("quick").with_overrides(SETTINGS.split(","))
    train(recipe, place, 0, threads=1)
    policy = (place / run_directory.POLICY_FILE).read_bytes()
    envs = make_training_envs(recipe)
    model = algorithm.build(recipe, envs, 0)
    envs.close()
    archives = list(_archives(policy))[:often]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, content in archives:
        (place / "policy.zip").write_bytes(content)
        try:
            algorithm.load_weights(model, place / "policy.zip")
            raise AssertionError(f"{name} was loaded")
        except CannotJudge as error:
            assert "\n" not in error.problem
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 400, grown
    # Names that lead out of the archive's folder: nothing is ever unpacked to the disk.
    with zipfile.ZipFile(place / "policy.zip", "w") as archive, zipfile.ZipFile(io.BytesIO(policy)) as old:
        for member in old.namelist():
            archive.writestr(member, old.read(member))
        for member in ("../../escaped", "/escaped", "..\\escaped"):
            archive.writestr(member, b"x")
    algorithm.load_weights(model, place / "policy.zip")
    assert not [path for path in (place, *place.parents) if (path / "escaped").exists()]
    return Row(
        len(archives) + 1,
        f"exit code 3 with one sentence each, {max(grown, 0):.0f} MiB more memory; nothing is written",
    )
