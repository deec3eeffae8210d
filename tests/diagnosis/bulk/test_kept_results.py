"""Very many runs kept as Parquet: what is said of them is what diagnose says, however they are shared out."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

import rldoctor
from rldoctor.cli.app import run as command

pa = pytest.importorskip("pyarrow", reason="needs the extra [parquet]")

import pyarrow.parquet as papq  # noqa: E402

from rldoctor.diagnosis.bulk import conduct, overview, store, summary  # noqa: E402
from rldoctor.diagnosis.bulk.conduct import report_kept, report_results  # noqa: E402
from rldoctor.diagnosis.many import diagnoser  # noqa: E402
from rldoctor.errors import CannotJudge  # noqa: E402
from rldoctor.logs import discover  # noqa: E402
from rldoctor.model import OverviewResult, RunDiagnosis, Verdict  # noqa: E402

RUNS = Path(__file__).parents[2] / "runs"
SICK = RUNS / "sick"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Every other recorded run, in the folder in which it stands. Look, do not touch."""
    top = tmp_path_factory.mktemp("some") / "runs"
    for run in discover([RUNS])[::2]:
        shutil.copytree(run, top / run.relative_to(RUNS))
    return top


@pytest.fixture(scope="module")
def plain(runs):
    """What diagnose says of them."""
    return rldoctor.diagnose(runs)


@pytest.fixture(scope="module")
def kept(tmp_path_factory, runs):
    """The same runs, in files of 20. Look, do not touch."""
    place = tmp_path_factory.mktemp("kept") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conduct, "RUNS_A_PART", 20)
        patch.chdir(runs.parent)
        report = report_kept(["runs"], diagnoser(), str(place), processes=1)
    assert len(list(place.glob("*.parquet"))) > 5
    return str(place), report


def named_below(run):
    return below(run.path)


def below(path):
    """Return the path below the folder of all runs."""
    return f"/{path}".partition("/runs/")[2]


@pytest.mark.slow
def test_the_counts_are_those_of_diagnose(kept, plain):
    _, report = kept
    found, diagnosed = report.subjects[0], plain.subjects
    assert isinstance(found, OverviewResult)
    assert (report.verdict, report.exit_code) == (plain.verdict, plain.exit_code)
    verdicts = Counter(run.verdict for run in diagnosed)
    assert (found.total, found.failed) == (len(diagnosed), 0)
    assert all(getattr(found.counts, verdict.value) == verdicts[verdict] for verdict in Verdict)
    by_env = Counter((run.env, run.verdict.value) for run in diagnosed)
    said = {(one.name, verdict.value): getattr(one, verdict.value) for one in found.environments for verdict in Verdict}
    assert {key: count for key, count in said.items() if count} == by_env
    by_folder = Counter(named_below(run).partition("/")[0] for run in diagnosed)
    assert {one.name: one.total for one in found.folders} == by_folder
    causes = Counter(run.diagnoses[0].name for run in diagnosed if run.verdict is not Verdict.HEALTHY)
    assert {one.name: one.total for one in found.causes} == causes


def test_the_worst_come_first_and_every_common_cause_has_a_typical_run(kept, plain):
    _, report = kept
    found, *full = report.subjects
    bad = [run for run in plain.subjects if run.verdict is not Verdict.HEALTHY]
    ranks = {Verdict.SICK: 0, Verdict.SUSPECT: 1, Verdict.UNJUDGED: 2}
    slow = sorted(bad, key=lambda run: (ranks[run.verdict], 1.0 if run.health is None else run.health, run.path))
    assert [f"{named_below(line)}" for line in found.worst] == [named_below(run) for run in slow][: summary.WORST]
    names = {run.path for run in full}
    assert {line.path for line in found.worst[:20]} <= names
    assert {one.typical for one in found.causes[:20]} <= names
    by_path = {run.path: run for run in full}
    for cause in found.causes[:20]:
        assert by_path[cause.typical].diagnoses[0].name == cause.name
    assert any(run.verdict is Verdict.HEALTHY for run in full)


def test_runs_in_full_are_what_diagnose_says(kept, plain):
    place, _ = kept
    again = report_results(place, 'cause == "learning-rate-too-high" and verdict == "sick"')
    slow = [r for r in plain.subjects if r.verdict is Verdict.SICK and r.diagnoses[0].name == "learning-rate-too-high"]
    assert len(slow) > 2
    assert [run.diagnoses for run in again.subjects] == [run.diagnoses for run in slow]
    assert [run.table for run in again.subjects] == [run.table for run in slow]
    assert [named_below(run) for run in again.subjects] == [named_below(run) for run in slow]


def test_rows_are_those_of_the_data_frame(kept, plain):
    place, _ = kept
    table = papq.read_table(place).to_pandas().set_index("path").sort_index()
    frame = plain.to_frame()
    frame["path"] = "runs/" + frame["path"].map(below)
    frame = frame.set_index("path").sort_index()
    assert list(table.index) == list(frame.index)
    for column in ("verdict", "cause", "env", "steps", "framework", "reference", "findings", "summary"):
        assert list(table[column]) == list(frame[column]), column
    assert json.loads(table["report"].iloc[0])["path"] == table.index[0]


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_however_the_runs_are_shared_out_the_report_is_the_same(kept, runs, tmp_path, monkeypatch, processes):
    place, report = kept
    monkeypatch.chdir(runs.parent)
    monkeypatch.setattr(conduct, "RUNS_A_PART", 7)
    other = report_kept(["runs"], diagnoser(), str(tmp_path / "r"), processes=processes)
    assert len(list((tmp_path / "r").glob("*.parquet"))) > 15
    assert other.subjects[1:] == report.subjects[1:]
    assert other.subjects[0].causes == report.subjects[0].causes
    assert other.subjects[0].worst == report.subjects[0].worst
    shown = report_results(place).subjects
    assert shown[1:] == report.subjects[1:]
    assert shown[0] == report.subjects[0]


def test_a_page_stays_small_however_many_runs_there_are(kept):
    place, report = kept
    found = report.subjects[0]
    assert len(report.subjects) <= 1 + 20 + 20 + 1
    assert len(found.worst) <= summary.WORST
    many = summary.Summary(
        counts=Counter({("sick", f"c{i % 40}", f"env-{i}", f"f{i}"): 10 for i in range(1000)}),
        samples={},
    )
    shown, _ = overview._overview(many, place, "", Verdict.SICK)
    assert shown.total == 10_000
    for groups in (shown.environments, shown.folders, shown.causes):
        assert len(groups) == 31
        assert sum(one.total for one in groups) == 10_000
    assert shown.environments[-1].name == "970 others"


def broken(tmp_path, kept, what):
    place = Path(shutil.copytree(kept[0], tmp_path / "broken"))
    parts = sorted(place.glob("*.parquet"))
    if what == "gone":
        parts[0].unlink()
    elif what == "list":
        (place / store.LIST).write_text("{")
    elif what == "version":
        (place / store.LIST).write_text('{"rldoctor_results": 9, "parts": {}}')
    elif what == "torn":
        parts[0].write_bytes(parts[0].read_bytes()[:1000])
    elif what == "column":
        (place / store.LIST).unlink()
        for part in parts:
            papq.write_table(papq.read_table(part).drop_columns(["health"]), part)
    elif what == "word":
        table = papq.read_table(parts[0])
        papq.write_table(table.set_column(2, "verdict", pa.array(["well"] * len(table))), parts[0])
    elif what == "report":
        table = papq.read_table(parts[0])
        place_of = table.schema.get_field_index("report")
        for part in parts:
            table = papq.read_table(part)
            papq.write_table(table.set_column(place_of, "report", pa.array(["{}"] * len(table))), part)
    return str(place)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("gone", "is not whole"),
        ("list", r"_results\.json of .* is damaged"),
        ("version", "of another version"),
        ("torn", "cannot be read"),
        ("column", "the column health is missing"),
        ("word", "damaged results"),
        ("report", "damaged results"),
    ],
)
def test_damaged_results_are_never_healthy(tmp_path, kept, what, why, capsys):
    place = broken(tmp_path, kept, what)
    with pytest.raises(CannotJudge, match=why):
        report_results(place)
    assert command(["show", place]) == 3
    assert "Traceback" not in capsys.readouterr().err


def test_parts_without_a_list_are_results_too(tmp_path, kept):
    place = Path(shutil.copytree(kept[0], tmp_path / "parts"))
    (place / store.LIST).unlink()
    assert report_results(str(place)).subjects[1:] == kept[1].subjects[1:]


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--where", 'verdit == "sick"'], 2, "Did you mean verdict?"),
        (["--where", "verdict =="], 2, "is no expression"),
        (["--where", "steps > 1e12"], 3, "No run of"),
        (["--where", " "], 2, "must not be empty"),
    ],
)
def test_show_says_what_is_wrong_with_an_expression(kept, capsys, words, code, why):
    assert command(["show", kept[0], *words]) == code
    assert why in " ".join(capsys.readouterr().err.split())


def test_show_has_the_exit_code_of_what_it_shows(kept, capsys):
    assert command(["show", kept[0], "--where", 'verdict == "suspect"', "-q"]) == 0
    assert command(["show", kept[0], "--where", 'verdict == "suspect"', "-q", "--fail-on", "suspect"]) == 1
    assert command(["show", kept[0], "--where", 'verdict == "sick"']) == 1
    out = capsys.readouterr().out
    assert "runs where" in " ".join(out.split())
    assert command(["show", kept[0] + "x.parquet"]) == 2
    assert command(["diagnose", str(SICK), "--parquet", "x", "--examine"]) == 2
    assert command(["show", "report.json", "--where", "failed"]) == 2


@pytest.mark.parametrize("format_", ["html", "md", "csv", "junit", "sarif", "github"])
def test_every_format_shows_an_overview(kept, format_):
    _, report = kept
    text = report.render(format_)
    if format_ in ("html", "md"):
        assert "Verdicts by environment" in text
        assert "FetchReachDense-v4" in text
    assert len(text.encode()) < 4_000_000
    assert all(isinstance(run, RunDiagnosis) for run in report.subjects[1:])
