"""Pictures and films of a real policy: their content, and the error if they cannot be made."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from rldoctor import run_directory
from rldoctor.cli.app import run
from rldoctor.diagnosis.chart_data import read_paths
from rldoctor.errors import CannotJudge, MissingExtra, UsageError
from rldoctor.training import reach_picture, video


@pytest.mark.slow
def test_the_evaluation_keeps_the_paths(evaluated_once):
    rows = read_paths(evaluated_once)
    episodes, paths = (
        json.loads((evaluated_once / name).read_text())["episodes"]
        for name in (run_directory.EVALUATION_FILE, run_directory.PATHS_FILE)
    )
    assert [path["seed"] for path in paths] == [episode["seed"] for episode in episodes]
    assert "path" not in episodes[0]
    for row, episode in zip(rows, episodes, strict=True):
        assert row.steps == list(range(51))
        assert row.distances[-1] == pytest.approx(episode["final_distance"], abs=2e-4)
        assert row.success == episode["success"]
    # All start where the robot is reset to, and go different ways.
    starts, ends = (np.array([row.path[i] for row in rows]) for i in (0, -1))
    assert np.ptp(starts, axis=0).max() < 1e-3
    assert np.ptp(ends, axis=0).max() > 0.01


@pytest.mark.parametrize(
    ("suffix", "begins"),
    [
        (".png", b"\x89PNG"),
        pytest.param(".svg", b"<?xml", marks=pytest.mark.slow),
        pytest.param(".pdf", b"%PDF", marks=pytest.mark.slow),
    ],
)
def test_a_picture(evaluated_once, tmp_path, suffix, begins):
    file = tmp_path / f"reach{suffix}"
    reach_picture.draw(evaluated_once, file)
    assert file.read_bytes().startswith(begins)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    if suffix == ".svg":
        text = file.read_text()
        # At least one line per episode and one cross per goal.
        assert text.count('id="line2d_') > 20
        assert text.count('id="Path3DCollection_') == 20


def test_no_picture_of_an_evaluation_without_paths(evaluated_once, tmp_path):
    copy = shutil.copytree(evaluated_once, tmp_path / "run")
    content = json.loads((copy / run_directory.EVALUATION_FILE).read_text())
    (copy / run_directory.EVALUATION_FILE).write_text(json.dumps({**content, "evaluated": "later"}))
    with pytest.raises(CannotJudge, match="belongs to another evaluation"):
        reach_picture.draw(copy, tmp_path / "reach.png")
    (copy / run_directory.PATHS_FILE).unlink()
    with pytest.raises(CannotJudge, match=r"no paths\.json"):
        reach_picture.draw(copy, tmp_path / "reach.png")
    assert not (tmp_path / "reach.png").exists()


@pytest.mark.parametrize(
    ("option", "name"),
    [
        *(("--picture", "x.jpeg2"), ("--video", "x.avi"), ("--video", "x")),
        *(("--picture", "nowhere/x.png"), ("--video", "nowhere/x.gif")),
    ],
)
def test_a_file_of_another_kind_is_refused_before_anything_is_played(trained_once, tmp_path, capsys, option, name):
    assert run(["evaluate", str(trained_once), option, str(tmp_path / name)]) == 2
    assert ("there is no folder" if "/" in name else "cannot be written as") in capsys.readouterr().err
    assert not (trained_once / run_directory.EVALUATION_FILE).exists()


def test_missing_packages_and_libraries_are_named(tmp_path, monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(video, "can_draw", lambda backend: False)
    with pytest.raises(UsageError, match="neither EGL nor OSMesa works"):
        video.require_renderer(tmp_path / "x.gif")
    monkeypatch.setattr(video, "can_draw", lambda backend: backend == "osmesa")
    video.require_renderer(tmp_path / "x.gif")
    assert os.environ["MUJOCO_GL"] == "osmesa"
    monkeypatch.setenv("MUJOCO_GL", "egl")
    with pytest.raises(UsageError, match="MUJOCO_GL=egl fails"):
        video.require_renderer(tmp_path / "x.gif")
    monkeypatch.setattr(video, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="imageio"):
        video.require_renderer(tmp_path / "x.gif")
    monkeypatch.setattr(reach_picture, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="matplotlib"):
        reach_picture.require_matplotlib(tmp_path / "x.png")


@pytest.mark.parametrize("backend", ["nonsense", "disabled"])
def test_a_backend_that_cannot_draw_is_found_out(backend):
    assert not video.can_draw(backend)


# imageio's reader of films leaves its pipes for the garbage collector to close.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_film(trained_once, tmp_path, suffix):
    import imageio.v3 as imageio

    if not any(map(video.can_draw, ("egl", "osmesa"))):
        pytest.skip("MuJoCo cannot draw on this machine: neither EGL nor OSMesa works")
    file = tmp_path / f"reach{suffix}"
    # A process of its own: what MuJoCo draws with is chosen before it is imported.
    program = "import sys; from pathlib import Path; from rldoctor.training.video import film;"
    program += "from rldoctor.training.players import player_of_run;"
    program += "film(player_of_run(Path(sys.argv[1]))[0], Path(sys.argv[2]), range(3))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(trained_once), str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    frames = imageio.imread(file)
    # The start, 50 steps and a pause of 20 (a GIF may join what does not change); two by two episodes of 200 pixels.
    assert frames.shape[1:] == (400, 400, 3)
    assert len(frames) == 71 if suffix == ".mp4" else 51 <= len(frames) <= 71
    moved = np.abs(frames[0].astype(int) - frames[50]).mean()
    assert moved > 1, "the robot moves"
    assert frames[0][:170, :200].std() > 10, "there is something to see"
    assert frames[0][210:370, 210:390].max() < 40, "the fourth place is empty"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
