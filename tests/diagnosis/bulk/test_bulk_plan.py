"""How very many runs are found: folders are searched one by one, and shared out."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from rldoctor.diagnosis.bulk.plan import list_unit, plan
from rldoctor.logs import discover

RUNS = Path(__file__).parents[2] / "runs"
SICK = RUNS / "sick"


def test_the_folders_are_searched_one_by_one_and_all_runs_are_found():
    units = plan([str(RUNS)])
    assert len(units) == 3
    assert [found.run for unit in units for found in list_unit(unit)] == list(map(str, discover([RUNS])))


def test_a_large_folder_is_divided_and_a_run_is_not(tmp_path):
    origin = next(path.parent for path in SICK.rglob("*tfevents*"))
    for place in range(150):
        (tmp_path / "all" / "sweep" / f"{place:03}").mkdir(parents=True)
    shutil.copytree(origin, tmp_path / "all" / "sweep" / "007", dirs_exist_ok=True)
    shutil.copytree(origin, tmp_path / "all" / "single" / "deep" / "er")
    units = plan([str(tmp_path / "all")])
    assert Counter(unit.folder for unit in units) == {"sweep": 3, "single": 1}
    found = [found for unit in units for found in list_unit(unit)]
    assert sorted((Path(run).name, folder) for run, folder in found) == [("007", "sweep"), ("er", "single")]
    run = tmp_path / "all" / "sweep" / "007"
    assert [unit.paths for unit in plan([str(run)])] == [(str(run),)]


def test_what_is_named_twice_is_one_run(tmp_path, monkeypatch):
    monkeypatch.chdir(RUNS)
    units = plan(["sick", "sick/learning-rate-too-high", str(SICK), "healthy"])
    assert {path.split("/")[0] for unit in units for path in unit.paths} == {"sick", "healthy"}
    runs = [found.run for unit in units for found in list_unit(unit)]
    assert len(runs) == len(set(map(os_path, runs))) == len(discover([SICK, RUNS / "healthy"]))


def os_path(run):
    return str(Path(run).resolve())


def test_a_link_to_a_run_of_another_folder_is_not_counted_twice(tmp_path):
    origin = next(path.parent for path in SICK.rglob("*tfevents*"))
    shutil.copytree(origin, tmp_path / "a" / "run")
    (tmp_path / "b" / "linked").mkdir(parents=True)
    event = next((tmp_path / "a" / "run").glob("*tfevents*"))
    (tmp_path / "b" / "linked" / event.name).symlink_to(event)
    assert [found.run for unit in plan([str(tmp_path)]) for found in list_unit(unit)] == [str(tmp_path / "a" / "run")]
    # Where only the link is named, it is the run.
    assert len(list_unit(plan([str(tmp_path / "b")])[0])) == 1
