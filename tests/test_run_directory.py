from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path

import pytest
from msgspec import structs

from rldoctor import run_directory
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.references import load_recipe
from rldoctor.run_record import RunRecord, read_run_record

not_as_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")


def test_place(tmp_path):
    recipe = load_recipe("quick")
    assert run_directory.place(tmp_path, recipe, "seed-3") == tmp_path / "fetch_reach_dense/quick/seed-3"
    other = recipe.with_overrides(["env=my.module:Reach/../../x-v0"])
    place = run_directory.place(tmp_path, other, "seed-0")
    assert place == tmp_path / "my.module_Reach_.._.._x-v0" / "seed-0"


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc", "", "a//b", ".", "..\\x", "C:/x", "a\0b"])
def test_a_recipe_cannot_lead_out_of_the_runs(tmp_path, name):
    with pytest.raises(UsageError, match="cannot be a folder"):
        run_directory.place(tmp_path, structs.replace(load_recipe("quick"), name=name), "seed-0")
    other = load_recipe("quick").with_overrides([f"env={name}"]) if name and "\0" not in name else None
    if other:
        assert run_directory.place(tmp_path, other, "seed-0").resolve().parents[1] == tmp_path.resolve()


def test_create_counts_up(tmp_path):
    made = [run_directory.create(tmp_path / "a/b/seed-0").name for _ in range(3)]
    assert made == ["seed-0", "seed-0-2", "seed-0-3"]
    assert all((tmp_path / "a/b" / name).is_dir() for name in made)


def test_create_leaves_a_file_alone(tmp_path):
    (tmp_path / "seed-0").write_text("mine")
    assert run_directory.create(tmp_path / "seed-0") == tmp_path / "seed-0-2"
    assert (tmp_path / "seed-0").read_text() == "mine"


def test_two_threads_never_get_the_same_directory(tmp_path):
    barrier = threading.Barrier(8)
    made = []

    def race():
        barrier.wait()
        made.extend(run_directory.create(tmp_path / "run") for _ in range(10))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == len(made) == 80
    assert sorted(tmp_path.iterdir()) == sorted(made)


@pytest.mark.parametrize("below", ["seed-0", "deeper/seed-0", "deeper/and/deeper/seed-0"])
def test_create_below_a_file(tmp_path, below):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError) as raised:
        run_directory.create(tmp_path / "file" / below)
    assert "a file" in raised.value.problem
    assert "--runs" in raised.value.cure
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


def test_create_a_name_that_is_too_long(tmp_path):
    with pytest.raises(UsageError, match="cannot be made: File name too long"):
        run_directory.create(tmp_path / ("a" * 5000))


@not_as_root
def test_create_where_nobody_may_write(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="Permission denied"):
        run_directory.create(tmp_path / "run")


def test_require(tmp_path):
    assert run_directory.require(tmp_path) == tmp_path
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file, not a run directory"):
        run_directory.require(tmp_path / "file")
    with pytest.raises(UsageError, match="There is no file or directory"):
        run_directory.require(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="cannot be read: File name too long"):
        run_directory.require(tmp_path / ("a" * 5000))


@not_as_root
def test_require_what_may_not_be_read(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    with pytest.raises(UsageError, match="permission denied"):
        run_directory.require(closed)
    tmp_path.chmod(0o000)
    with pytest.raises(UsageError, match="Permission denied"):
        run_directory.require(closed)
    tmp_path.chmod(0o700)


def test_replacing_puts_the_new_file_in_place(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with run_directory.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("raised", "seen"), [(ZeroDivisionError(), ZeroDivisionError), (OSError(28, "full"), UsageError)]
)
@pytest.mark.parametrize("before", [None, "old"])
def test_a_writer_that_raises_leaves_what_was_there(tmp_path, raised, seen, before):
    path = tmp_path / "file"
    if before:
        path.write_text(before)
    with pytest.raises(seen), run_directory.replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise raised
    assert [p.read_text() for p in tmp_path.iterdir()] == ([before] if before else [])


def test_a_writer_that_writes_nothing_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(UsageError, match="cannot be written"), run_directory.replacing(path):
        pass
    assert path.read_text() == "old"


def test_replacing_in_a_place_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be written"):
        run_directory.write_json(tmp_path / "nowhere" / "file.json", {})


def test_json_round_trip(tmp_path):
    path = tmp_path / "file.json"
    content = {"text": "é ☃ \udcff \n", "numbers": [1, 2.5, None, True], "table": {"a": 1e-300}}
    run_directory.write_json(path, content)
    assert run_directory.read_json(path, "a test") == content
    assert path.read_bytes().endswith(b"}\n")
    assert "☃".encode() in path.read_bytes()


def test_write_json_refuses_nan_and_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        run_directory.write_json(tmp_path / "file.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "is not JSON"), (b"{", "is not JSON"), (b"\xff", "is not JSON"), (b"3", "is not a JSON object")],
)
def test_read_json_says_why_not(tmp_path, content, why):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(CannotJudge) as raised:
        run_directory.read_json(path, "the record of a run")
    assert why in raised.value.problem
    assert "the record of a run" in raised.value.problem
    assert str(path) in raised.value.problem


def test_read_json_of_a_directory_a_pipe_and_nothing(tmp_path):
    with pytest.raises(CannotJudge, match="not a plain file"):
        run_directory.read_json(tmp_path, "a test")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CannotJudge, match="not a plain file"):
        run_directory.read_json(tmp_path / "pipe", "a test")
    with pytest.raises(CannotJudge, match=r"has no run\.json"):
        run_directory.read_json(tmp_path / "run.json", "a test")


def test_read_json_does_not_read_a_huge_file(tmp_path):
    path = tmp_path / "run.json"
    with path.open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(CannotJudge, match="too large"):
        run_directory.read_json(path, "a test")


def test_a_run_record_is_typed(tmp_path):
    recipe = load_recipe("quick")
    content = {"status": "finished", "seed": 3, "steps": 512, "train_seconds": 1.5, "recipe": recipe.to_json()}
    run_directory.write_json(tmp_path / run_directory.RUN_FILE, content)
    record = read_run_record(tmp_path)
    assert record.recipe == record.require_recipe(tmp_path) == recipe
    assert (record.status, record.is_finished, record.seed, record.steps) == ("finished", True, 3, 512)
    assert (record.engine, record.error, record.number("train_seconds")) == ("gymnasium", "", 1.5)
    assert record.content == content


@pytest.mark.parametrize("value", [None, True, -1, [], {"name": 3}])
def test_what_a_run_record_does_not_say(tmp_path, value):
    keys = ("status", "seed", "steps", "engine", "error", "recipe", "train_seconds")
    record = RunRecord(dict.fromkeys(keys, value))
    assert (record.status, record.is_finished, record.error, record.engine) == ("", False, "", "gymnasium")
    assert (record.seed, record.steps, record.recipe) == (None, None, None)
    assert record.number("train_seconds") == (-1 if value == -1 and value is not True else None)
    with pytest.raises((CannotJudge, UsageError)):
        record.require_recipe(tmp_path)


def test_find_policy(tmp_path):
    policy = tmp_path / run_directory.POLICY_FILE
    assert run_directory.find_policy(tmp_path) == policy
    (tmp_path / run_directory.CHECKPOINTS).mkdir()
    for steps in (900, 1000, 128):
        (tmp_path / run_directory.CHECKPOINTS / f"step-{steps:012d}.zip").touch()
    (tmp_path / run_directory.CHECKPOINTS / ".step-000000009999.zip.ab12.tmp").touch()
    assert [path.name for path in run_directory.checkpoints(tmp_path)] == [
        "step-000000000128.zip",
        "step-000000000900.zip",
        "step-000000001000.zip",
    ]
    assert run_directory.find_policy(tmp_path).name == "step-000000001000.zip"
    policy.touch()
    assert run_directory.find_policy(tmp_path) == policy


def test_file_hash(tmp_path):
    path = tmp_path / "file"
    content = bytes(range(256)) * 5000
    path.write_bytes(content)
    assert run_directory.file_hash(path) == hashlib.sha256(content).hexdigest()


def test_readers_never_see_half_a_file(tmp_path):
    path = tmp_path / "run.json"
    contents = [{"n": n, "padding": str(n) * 50_000} for n in range(2)]
    run_directory.write_json(path, contents[0])
    seen, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            seen.append(json.loads(path.read_text()) in contents)

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(40):
        run_directory.write_json(path, contents[n % 2])
    stop.set()
    reader.join()
    assert all(seen)


def test_a_folder_of_locks_alone_is_removed_with_its_empty_parents(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "treatments" / "env" / "one"
    (folder / "trial").mkdir(parents=True)
    (folder / "trial" / run_directory.LOCK_FILE).touch()
    with pytest.raises(TypeError), run_directory.removed_if_unused(folder, tmp_path):
        raise TypeError
    assert not list(tmp_path.iterdir())
    (folder / "trial").mkdir(parents=True)
    (folder / "trial" / "run.json").touch()
    with pytest.raises(TypeError), run_directory.removed_if_unused(folder, tmp_path):
        raise TypeError
    assert (folder / "trial" / "run.json").is_file()
