"""A policy file may be a stranger's: nothing in it is run, and what cannot be loaded is said in one sentence."""

from __future__ import annotations

import copy
import io
import json
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from rldoctor import run_directory
from rldoctor.environments.vec_envs import make_training_envs
from rldoctor.errors import CannotJudge
from rldoctor.sb3 import tensors
from rldoctor.training import algorithm
from rldoctor.training.evaluate import evaluate


class Planted:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def torch_saved(thing):
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


def repack(path, **members):
    """Replace members of the archive (``__`` is ``.``); ``None`` takes one away."""
    members = {name.replace("__", "."): content for name, content in members.items()}
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()} | members
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            if content is not None:
                archive.writestr(name, content)


@pytest.fixture
def model(small):
    envs = make_training_envs(small)
    yield algorithm.build(small, envs, 0)
    envs.close()


@pytest.fixture
def policy(trained):
    return trained / run_directory.POLICY_FILE


@pytest.fixture
def trap(tmp_path):
    path = tmp_path / "trap"
    pickle.loads(pickle.dumps(Planted(path)))
    assert path.exists(), "the trap does not work"
    path.unlink()
    return path


@pytest.mark.parametrize("how", [pickle.dumps, torch_saved])
@pytest.mark.parametrize("member", ["policy__pth", "policy__optimizer__pth"])
def test_a_planted_pickle_is_not_run(trained, policy, trap, member, how):
    repack(policy, **{member: how(Planted(trap))})
    with pytest.raises(CannotJudge, match="more than tensors and is not loaded"):
        evaluate(trained)
    assert not trap.exists()
    assert not (trained / run_directory.EVALUATION_FILE).exists()


def test_a_pickle_among_the_tensors_is_not_run(policy, trap, model):
    state = {**model.policy.state_dict(), "log_std": Planted(trap)}
    repack(policy, policy__pth=torch_saved(state))
    with pytest.raises(CannotJudge, match="more than tensors"):
        algorithm.load_weights(model, policy)
    assert not trap.exists()


@pytest.mark.parametrize("member", ["data", "pytorch_variables__pth", "_stable_baselines3_version", "other__pkl"])
def test_a_pickle_in_a_member_that_is_not_needed_is_not_looked_at(policy, trap, model, member):
    repack(policy, **{member: pickle.dumps(Planted(trap))})
    assert algorithm.load_weights(model, policy)["steps"] == 1536
    assert not trap.exists()


def test_sb3s_own_settings_are_not_unpickled(policy, trap, model):
    """SB3 keeps pickles in base64 inside the JSON of ``data``: PPO.load would run them."""
    import base64

    with zipfile.ZipFile(policy) as archive:
        data = json.loads(archive.read("data"))
    data["policy_class"] = {":type:": "x", ":serialized:": base64.b64encode(pickle.dumps(Planted(trap))).decode()}
    repack(policy, data=json.dumps(data).encode())
    algorithm.load_weights(model, policy)
    assert not trap.exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all" * 100])
def test_a_file_that_is_no_archive(policy, model, content):
    policy.write_bytes(content)
    with pytest.raises(CannotJudge, match="cannot be loaded"):
        algorithm.load_weights(model, policy)


def test_a_truncated_file(policy, model):
    whole = policy.read_bytes()
    for part in (0.1, 0.5, 0.9, 0.999):
        policy.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(CannotJudge, match="cannot be loaded"):
            algorithm.load_weights(model, policy)


def test_a_flipped_byte_in_the_weights(policy, model):
    whole = bytearray(policy.read_bytes())
    with zipfile.ZipFile(policy) as archive:
        member = archive.getinfo("policy.pth")
    whole[member.header_offset + 100 + member.file_size // 2] ^= 0xFF
    policy.write_bytes(whole)
    with pytest.raises(CannotJudge, match="cannot be loaded"):
        algorithm.load_weights(model, policy)


@pytest.mark.parametrize(
    "members",
    [
        {"policy__pth": None},
        {"policy__optimizer__pth": None},
        {"policy__pth": b""},
        {"policy__pth": torch_saved(torch.zeros(3))},
        {"policy__pth": torch_saved({})},
        {"policy__pth": torch_saved([1, 2])},
        {"policy__optimizer__pth": torch_saved({})},
        {"policy__optimizer__pth": torch_saved({"state": [1], "param_groups": 3})},
        {"policy__optimizer__pth": torch_saved(None)},
        {"rldoctor__json": b"{"},
        {"rldoctor__json": b"[]"},
        {"rldoctor__json": b"\xff"},
        {"rldoctor__json": b"[" * 100_000},
    ],
    ids=lambda members: "-".join(f"{name}={(content or b'')[:8].hex()}" for name, content in members.items()),
)
def test_damaged_members(policy, model, members):
    repack(policy, **members)
    with pytest.raises(CannotJudge) as raised:
        algorithm.load_weights(model, policy)
    assert "cannot be loaded" in raised.value.problem
    assert "\n" not in raised.value.problem


def test_a_compressed_member_that_is_damaged(policy, model):
    """zlib has errors of its own."""
    with zipfile.ZipFile(policy) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(policy, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    with zipfile.ZipFile(policy) as archive:
        begin = archive.getinfo("policy.pth").header_offset + 40
    whole = bytearray(policy.read_bytes())
    whole[begin : begin + 200] = bytes(range(200))
    policy.write_bytes(whole)
    with pytest.raises(CannotJudge, match="cannot be loaded"):
        algorithm.load_weights(model, policy)


def test_a_member_that_claims_too_much(policy, model, monkeypatch):
    monkeypatch.setattr(tensors, "_MAX_MEMBER_BYTES", 1000)
    with pytest.raises(CannotJudge, match=r"policy\.pth claims [\d,]+ bytes"):
        algorithm.load_weights(model, policy)


def packed(content):
    """Return the tensors of a policy compressed: some kilobytes that PyTorch would unpack to any size."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return buffer.getvalue()


def test_a_bomb_within_the_archive(policy, model):
    content = torch_saved({"log_std": torch.zeros(2**22)})
    bomb = packed(content)
    assert len(bomb) < len(content) / 500
    assert torch.load(io.BytesIO(bomb), weights_only=True)["log_std"].shape == (2**22,), "PyTorch itself unpacks it"
    repack(policy, policy__pth=bomb)
    with pytest.raises(CannotJudge, match=r"policy\.pth is compressed"):
        algorithm.load_weights(model, policy)


def test_tensors_that_overlap(policy, model):
    """A directory of an archive may name the same bytes many times."""
    buffer = io.BytesIO(torch_saved({"log_std": torch.zeros(1000)}))
    with zipfile.ZipFile(buffer, "a") as archive:
        [data] = [member for member in archive.infolist() if member.filename.endswith("data/0")]
        for i in range(5):
            again = copy.copy(data)
            again.filename = f"archive/data/{i + 1}"
            archive.filelist.append(again)
        archive._didModify = True
    repack(policy, policy__pth=buffer.getvalue())
    with pytest.raises(CannotJudge, match=r"policy\.pth claims more than it holds"):
        algorithm.load_weights(model, policy)


def test_no_file(tmp_path, model):
    with pytest.raises(CannotJudge, match="There is no policy"):
        algorithm.load_weights(model, tmp_path / "policy.zip")


def test_other_shapes(trained, policy, small):
    wide = small.with_overrides(["net_arch=[32]"])
    envs = make_training_envs(wide)
    with pytest.raises(CannotJudge, match="cannot be loaded"):
        algorithm.load_weights(algorithm.build(wide, envs, 0), policy)
    envs.close()
    record = json.loads((trained / run_directory.RUN_FILE).read_text())
    record["recipe"] = wide.to_json()
    (trained / run_directory.RUN_FILE).write_text(json.dumps(record))
    with pytest.raises(CannotJudge, match="cannot be loaded"):
        evaluate(trained)


def test_saving_is_whole_or_nothing(policy, model, monkeypatch):
    before = policy.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        algorithm.save(model, policy, {"steps": float("nan")})
    assert policy.read_bytes() == before
    assert not list(policy.parent.glob("*.tmp"))
