"""The archive of faults: what it holds, that names say nothing of the fault, and that its scorer counts right."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from rldoctor import datafile
from rldoctor.cli.app import run
from rldoctor.experiments.fault_archive import labelled_runs
from rldoctor.experiments.fault_archive.score import interval, main, score
from rldoctor.experiments.faults import all_faults, find
from rldoctor.logs.formats import tfevents
from rldoctor.render.wording import one_line

RUNS = Path(__file__).resolve().parents[1] / "runs"
MIXED = RUNS / "sick" / "mixed-runs"
HEALTHY = next((RUNS / "healthy/cartpole").rglob("run.json")).parent


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    place = tmp_path_factory.mktemp("archive") / "faults.zip"
    assert run(["faults", "export", str(MIXED), "-o", str(place)]) == 0
    return place


def rows(archive, name):
    with zipfile.ZipFile(archive) as packed:
        return list(csv.DictReader(io.StringIO(packed.read(name).decode())))


def test_every_run_is_in_it_with_its_label_and_its_logs_as_they_are(archive):
    labels = rows(archive, "runs.csv")
    recorded = {one.id: one for one in labelled_runs(MIXED)}
    assert {label["id"] for label in labels} == set(recorded)
    with zipfile.ZipFile(archive) as packed:
        names = packed.namelist()
        for label in labels:
            one = recorded[label["id"]]
            assert label["fault"] in one.name
            assert label["causes"].split()[0] == "mixed-runs"
            assert label["kind"] == "harmful"
            assert label["split"] == ("test" if int(label["seed"]) % 2 else "train")
            for file in one.directory.glob("events*"):
                assert packed.read(f"runs/{one.id}/{file.name}") == file.read_bytes()
    assert not any("label" in name or "mixed" in name for name in names)
    assert {"README.md", "LICENSE", "score.py", "faults.csv", "causes.csv", "operators.csv"} <= set(names)


def test_tables_hold_what_tensorboard_itself_reads(archive):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    one = next(one for one in labelled_runs(MIXED) if len(list(one.directory.glob("events*"))) == 2)
    first = min(one.directory.glob("events*"))
    loaded = EventAccumulator(str(first), size_guidance={"scalars": 0})
    loaded.Reload()
    table = rows(archive, f"scalars/{one.id}.csv")
    for tag in ("rollout/ep_rew_mean", "train/approx_kl"):
        expected = [(event.step, np.float32(event.value)) for event in loaded.Scalars(tag)]
        assert [(int(row["step"]), np.float32(row[tag])) for row in table if row[tag]] == expected
    assert rows(archive, f"scalars/{one.id}.2.csv")


def test_the_scalars_of_a_large_event_file_are_in_its_table(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(tfevents, "_LARGE", 1)
    large = tmp_path / "large.zip"
    assert run(["faults", "export", str(MIXED), "-o", str(large)]) == 0
    with zipfile.ZipFile(archive) as packed:
        tables = [name for name in packed.namelist() if name.startswith("scalars/")]
    assert all(rows(large, name) == rows(archive, name) for name in tables)


def test_the_same_runs_make_the_same_bytes(archive, tmp_path):
    again = tmp_path / "again.zip"
    assert run(["faults", "export", str(MIXED), "-o", str(again)]) == 0
    assert again.read_bytes() == archive.read_bytes()


def test_the_card_is_filled_in(archive):
    with zipfile.ZipFile(archive) as packed:
        card = packed.read("README.md").decode()
    assert "{" not in card
    assert "| CartPole-v1 | 0 |" in card
    assert "RLMutation" in card
    assert "`transitions-mangled`*" in card


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["/nowhere"], "There is no file or directory /nowhere."),
        (["EMPTY"], "holds no run"),
        ([str(MIXED), "-o", "/nowhere/x.zip"], "there is no folder /nowhere"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(arguments, problem, tmp_path, capsys):
    arguments = [str(tmp_path) if argument == "EMPTY" else argument for argument in arguments]
    assert run(["faults", "export", *arguments]) == 2
    assert problem in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("status", ["running", "failed", "interrupted"])
def test_a_run_of_which_nothing_is_known_is_left_out_and_said(status, tmp_path, capsys):
    for name in ("labelled", "unlabelled", "interrupted"):
        shutil.copytree(HEALTHY, tmp_path / "runs" / name)
    (tmp_path / "runs/unlabelled/label.json").unlink()
    record = tmp_path / "runs/interrupted/run.json"
    record.write_text(record.read_text().replace('"status": "finished"', f'"status": "{status}"'))
    packed = tmp_path / "faults.zip"
    assert run(["faults", "export", str(tmp_path / "runs"), "-o", str(packed)]) == 0
    said = capsys.readouterr()
    assert "1 runs (1 healthy" in said.out
    assert f"interrupted (no fault, but its status is {status}) and 1 more." in one_line(said.err)
    assert len(rows(packed, "runs.csv")) == 1
    # An archive has no labels beside its runs.
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "again")
    assert run(["faults", "export", str(tmp_path / "again"), "-o", str(tmp_path / "second.zip")]) == 2
    assert "no label.json" in one_line(capsys.readouterr().err)
    assert not (tmp_path / "second.zip").exists()


LABELS = [
    {"id": "a", "split": "test", "kind": "harmful", "causes": "one two"},
    {"id": "b", "split": "test", "kind": "harmful", "causes": "three"},
    {"id": "c", "split": "test", "kind": "harmful", "causes": "four"},
    {"id": "d", "split": "test", "kind": "healthy", "causes": "healthy"},
    {"id": "e", "split": "test", "kind": "harmless", "causes": "healthy"},
    {"id": "f", "split": "train", "kind": "healthy", "causes": "healthy"},
]
ANSWERS = [
    {"id": "a", "flagged": "1", "causes": "x|two three"},
    {"id": "b", "flagged": "1", "causes": "x y three"},
    {"id": "d", "flagged": "1", "causes": "x"},
    {"id": "e", "flagged": "0", "causes": ""},
    {"id": "f", "flagged": "1", "causes": ""},
]


def test_the_scorer_counts_by_hand():
    assert score(LABELS, ANSWERS) == {
        "found": (2, 3),
        "first": (1, 3),
        "among three": (2, 3),
        "healthy flagged": (1, 1),
        "harmless flagged": (0, 1),
    }
    assert score(LABELS, ANSWERS, "all")["healthy flagged"] == (2, 2)
    # A right cause of a run that is not flagged counts for nothing.
    silent = [{**ANSWERS[0], "flagged": "0"}]
    assert score(LABELS, silent)["first"] == (0, 3)


def test_its_intervals_are_wilsons():
    from benchmarks.rates import wilson_interval

    for hits, runs in ((0, 7), (3, 10), (30, 30), (0, 0)):
        np.testing.assert_allclose(interval(hits, runs), tuple(wilson_interval(hits, runs)), atol=1e-6)


def test_the_scorer_in_the_archive_needs_nothing_but_python(archive, tmp_path):
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path)
    labels = rows(archive, "runs.csv")
    answers = tmp_path / "answers.csv"
    answers.write_text("id,flagged,causes\n" + "".join(f"{label['id']},1,mixed-runs\n" for label in labels))
    command = [sys.executable, "-I", "-S", str(tmp_path / "score.py"), str(answers), "--split", "all"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"100.0% ({len(labels)} of {len(labels)};" in done.stdout
    answers.write_text("id,flagged,causes\nnobody,1,\n")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "1 ids are not in" in done.stderr


def test_operators_of_others_name_faults_that_exist():
    known = {fault.name for fault in all_faults()}
    papers = datafile.read_toml(datafile.folder("checks") / "published_operators.toml")["paper"]
    operators = [operator for paper in papers for operator in paper["operator"]]
    assert {name for operator in operators for name in operator.get("faults", ())} <= known
    assert all({"faults", "laboratory", "note"} & set(operator) for operator in operators)


@pytest.mark.parametrize("name", ["transitions-repeated", "transitions-random", "transitions-mangled"])
def test_other_transitions_are_returned(name):
    plain, env = gymnasium.make("Pendulum-v1"), find(name).wrap(1.0)(gymnasium.make("Pendulum-v1"))
    first, _ = plain.reset(seed=0)
    env.reset(seed=0)
    action = np.ones(1, np.float32)
    true = [(first, 0.0), *((seen, reward) for seen, reward, *_ in (plain.step(action) for _ in range(20)))]
    given = [env.step(action)[:2] for _ in range(20)]
    if name == "transitions-repeated":
        assert all((seen == t[0]).all() and reward == t[1] for (seen, reward), t in zip(given, true, strict=False))
        return
    places = [
        [
            next(i for i, t in enumerate(true) if (seen == t[0]).all()),
            next(i for i, t in enumerate(true) if reward == t[1]),
        ]
        for seen, reward in given
    ]
    assert all(max(pair) <= step for step, pair in enumerate(places))
    assert all(seen == paid for seen, paid in places) is (name == "transitions-random")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file"),
        (b"", "has no column id and no column flagged"),
        (b"id,flagged\nx,1\n", "has no column causes"),
        (b"id,flagged,causes\na,1\n", "row 2 does not have 3 values"),
        (b"id,flagged,causes\na,maybe,x\n", "row 2: flagged is 'maybe'"),
        (b"id,flagged,causes\na,1,x\na,0,\n", "answers a more than once"),
        (b"\xff\xfe\x00", "is no CSV file"),
    ],
)
def test_answers_that_cannot_be_scored_are_one_sentence(content, problem, tmp_path, capsys):
    labels, answers = tmp_path / "runs.csv", tmp_path / "answers.csv"
    labels.write_text("id,split,kind,causes\na,test,harmful,x\n")
    if content is not None:
        answers.write_bytes(content)
    with pytest.raises(SystemExit, match="2"):
        main([str(answers), "--labels", str(labels)])
    assert problem in capsys.readouterr().err
