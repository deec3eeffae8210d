"""References of a project's own: made from runs that exist already, and later runs compared with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rldoctor import references
from rldoctor.cli.app import run as command
from rldoctor.config import Config, read_config
from rldoctor.diagnosis.context import context_of
from rldoctor.diagnosis.many import diagnose
from rldoctor.diagnosis.match import match
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.logs import read_run
from rldoctor.recording.from_runs import RecordingSpec, record_existing

HEALTHY = Path(__file__).parents[1] / "runs/healthy"
SICK = Path(__file__).parents[1] / "runs/sick"
QUICK = HEALTHY / "fetch_reach_dense/quick"
FETCH = "FetchReachDense-v4"
GOOD = ("as-recorded-20", "as-recorded-25", "as-recorded-31")


@pytest.fixture
def good(tmp_path):
    """Return what copies runs into a folder of the project, with or without what run.json tells."""

    def good(family=QUICK, names=GOOD, told=True, change=None):
        folder = tmp_path / "our runs"
        for name in names:
            shutil.copytree(family / name, folder / name)
            record = folder / name / "run.json"
            if not told:
                record.unlink()
            elif change:
                content = json.loads(record.read_text())
                content["recipe"] = {**content["recipe"], **change}
                record.write_text(json.dumps(content))
        return folder

    return good


def recorded(folder, tmp_path, **spec):
    made = record_existing([folder], RecordingSpec(**{"name": "our_env/ours", "out": tmp_path / "kept", **spec}))
    return made, Config(references=(made.folder,))


def test_a_recipe_that_run_json_tells_is_kept_and_read_back(good, tmp_path):
    made, config = recorded(good(), tmp_path)
    assert (made.runs, made.left_out, made.doubtful) == (3, (), {})
    assert made.folder == tmp_path / "kept/our_env/ours"
    [reference] = context_of(config).references
    shipped = references.load_recipe("quick")
    assert reference.recipe.name == "our_env/ours"
    assert reference.recipe.hyperparameters == shipped.hyperparameters
    assert reference.recipe.criteria == shipped.criteria
    assert not reference.recipe.partial
    assert "as-recorded-20" in reference.recipe.source
    band = reference.bands["episode_return"]
    assert (band.low <= band.median).all()
    assert (band.median <= band.high).all()
    # As wide as three runs are, within those of twenty.
    assert band.steps[-1] == 16384


def test_later_runs_are_held_against_it_rather_than_against_a_shipped_one(good, tmp_path):
    _, config = recorded(good(), tmp_path)
    [same] = diagnose([QUICK / "as-recorded-22"], config=config)
    assert same.reference == "our_env/ours"
    assert same.reference_why == "identified from run.json"
    assert same.facts["reference_folder"] == str(config.references[0])
    assert diagnose([QUICK / "as-recorded-22"])[0].reference == "fetch_reach_dense/quick"
    # Other environments keep theirs.
    [other] = diagnose([HEALTHY / "cartpole/zoo/as-recorded-20"], config=config)
    assert other.reference == "cartpole/zoo"


def test_the_reference_whose_settings_fit_better_is_taken(good, tmp_path):
    names = ("gamma-0.9-58", "gamma-0.9-59", "gamma-0.9-60")
    _, config = recorded(good(names=names), tmp_path)
    taken = {name: diagnose([QUICK / name], config=config)[0].reference for name in (*GOOD, *names)}
    assert {taken[name] for name in names} == {"our_env/ours"}
    assert {taken[name] for name in GOOD} == {"fetch_reach_dense/quick"}


def test_its_bands_are_those_that_signs_see(good, tmp_path):
    _, config = recorded(good(), tmp_path)
    sick = SICK / "reward-scale-too-large"
    run = next(path for path in sorted(sick.iterdir()) if "fetch" in path.name)
    [subject] = diagnose([run], config=config)
    assert subject.reference == "our_env/ours"
    # Only a band can say so.
    assert "VAL106" in {finding.code for finding in subject.findings}


def test_an_environment_of_ones_own_is_known_by_it(good, tmp_path):
    folder = good(change={"env": "OurRobot-v3", "name": "robot"})
    made, config = recorded(folder, tmp_path)
    assert made.recipe.env == "OurRobot-v3"
    [subject] = diagnose([folder / GOOD[0]], config=config)
    assert (subject.reference, subject.verdict) == ("our_env/ours", "healthy")
    assert diagnose([folder / GOOD[0]])[0].reference == ""


def test_logs_without_run_json_need_the_environment_and_tell_what_they_can(good, tmp_path):
    folder = good(HEALTHY / "fetch_reach_dense/quick", told=False)
    with pytest.raises(UsageError, match=r"no run\.json with its recipe"):
        recorded(folder, tmp_path)
    assert not (tmp_path / "kept").exists()
    made, config = recorded(folder, tmp_path, env=FETCH)
    [reference] = context_of(config).references
    assert reference.recipe.partial
    # Its learning rate falls, so that no one value is the setting.
    assert dict(reference.recipe.hyperparameters) == {"clip_range": 0.2, "clip_range_schedule": "constant"}
    assert reference.recipe.setting("gamma") is None
    assert not reference.recipe.knows("n_envs")
    assert "n_envs" not in (made.folder / "recipe.toml").read_text()
    [told] = diagnose([QUICK / "as-recorded-22"], config=config)
    # One that knows all settings and agrees in them fits better than one that knows few.
    assert told.reference == "fetch_reach_dense/quick"
    with pytest.raises(UsageError, match="do not hold all settings"):
        references.load_trainable("our_env/ours", config.references)


def test_runs_without_run_json_are_known_by_their_logs_and_strangers_are_not(good, tmp_path):
    folder = good(told=False)
    _, config = recorded(folder, tmp_path, env=FETCH)
    mine = context_of(config).references
    for path in sorted(QUICK.glob("as-recorded-*")):
        found = match(untold(path, tmp_path), mine=mine)
        assert found.reference is not None, path.name
        assert found.reference.recipe.env == FETCH
    for family in ("cartpole/zoo", "pendulum/zoo"):
        for path in sorted((HEALTHY / family).iterdir()):
            found = match(untold(path, tmp_path), mine=mine)
            assert found.reference is None or found.reference.recipe.env != FETCH, path.name


def untold(path, tmp_path):
    place = Path(shutil.copytree(path, tmp_path / "untold" / path.parent.parent.name / path.name, dirs_exist_ok=True))
    (place / "run.json").unlink(missing_ok=True)
    return read_run(place)


def test_runs_of_other_frameworks_make_a_reference_for_runs_of_theirs(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    for seed in range(5):
        with SummaryWriter(str(tmp_path / "cleanrl" / f"seed-{seed}")) as writer:
            for i in range(1, 60):
                step = i * 2048
                writer.add_scalar("charts/episodic_return", 20.0 + seed + i * 5, step)
                writer.add_scalar("charts/episodic_length", 20.0 + seed + i * 5, step)
                writer.add_scalar("charts/learning_rate", 2.5e-4, step)
                writer.add_scalar("losses/entropy", 0.69 - 0.005 * i + 0.001 * seed, step)
                writer.add_scalar("losses/approx_kl", 0.006 + 0.001 * seed, step)
                writer.add_scalar("losses/value_loss", 4.0 / i, step)
    runs = [tmp_path / "cleanrl" / f"seed-{seed}" for seed in range(3)]
    made = record_existing(runs, RecordingSpec("cart/cleanrl", tmp_path / "kept", env="CartPole-v1"))
    assert made.recipe.framework == "cleanrl"
    assert made.recipe.hyperparameters["learning_rate"] == 2.5e-4
    config = Config(references=(made.folder,))
    [subject] = diagnose([tmp_path / "cleanrl/seed-4"], config=config)
    assert subject.reference == "cart/cleanrl"
    assert subject.reference_why.startswith("recognised from the logs")
    assert subject.facts["same_recipe"] is True
    assert diagnose([tmp_path / "cleanrl/seed-4"])[0].reference == ""


def test_a_remedy_names_the_usual_value_where_the_reference_does_not_know_one(good, tmp_path):
    from rldoctor.diagnosis.remedy import advice_of, concrete, known_of
    from rldoctor.rulebook import load_rulebook

    made, config = recorded(good(told=False), tmp_path, env=FETCH)
    run = read_run(QUICK / "epochs-20-61")
    rule = load_rulebook().diagnoses["updates-too-aggressive"]
    known = known_of(match(run, made.recipe.name, context_of(config).references), run)
    remedy, _ = concrete(rule, known, advice_of(known, run))
    # 20 epochs are within what PPO is trained with; the learning rate is not, and the reference does not know another.
    assert "learning_rate to 0.0003 (was 0.002)" in remedy
    assert "None" not in remedy


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"name": "fetch_reach_dense/quick"}, "is the name of a shipped reference"),
        ({"name": "../out"}, "is not a valid name"),
        ({"name": ""}, "is not a valid name"),
        ({"env": "Other-v0"}, "were trained on FetchReachDense-v4, not on Other-v0"),
    ],
)
def test_a_spec_that_is_not_valid_is_refused_and_nothing_is_written(good, tmp_path, spec, said):
    with pytest.raises(UsageError) as caught:
        recorded(good(), tmp_path, **spec)
    assert said in str(caught.value)
    assert not (tmp_path / "kept").exists()


def test_a_reference_is_of_one_recipe(good, tmp_path):
    folder = good(names=(*GOOD, "gamma-0.9-58"))
    with pytest.raises(UsageError, match=r"gamma-0.9-58 was trained with other settings .*: gamma 0.8 -> 0.9"):
        recorded(folder, tmp_path)
    shutil.rmtree(folder)
    with pytest.raises(UsageError, match="2 runs are too few"):
        recorded(good(names=GOOD[:2]), tmp_path)


def test_damaged_and_other_logs_make_no_band(good, tmp_path):
    folder = good(names=(*GOOD, "as-recorded-22"))
    events = next((folder / "as-recorded-22").glob("events*"))
    content = bytearray(events.read_bytes())
    content[len(content) // 2] ^= 0xFF
    events.write_bytes(content)
    with pytest.raises(CannotJudge, match="as-recorded-22 cannot be used"):
        recorded(folder, tmp_path)
    shutil.rmtree(folder)
    folder = good(change={"algorithm": "a2c"})
    with pytest.raises(CannotJudge, match="trained with a2c"):
        recorded(folder, tmp_path)
    assert not (tmp_path / "kept").exists()


def test_runs_that_do_not_pass_are_left_out_and_doubtful_ones_named(good, tmp_path, make_by_hand):
    folder = good(names=(*GOOD, "as-recorded-22"))
    failed = make_by_hand("failed").measured(success_rate=0.1)
    for name in ("evaluation.json", "policy.zip", "run.json"):
        shutil.copy(failed / name, folder / "as-recorded-22" / name)
    sick = next(path for path in sorted((SICK / "update-direction-wrong").iterdir()) if "fetch" in path.name)
    shutil.copytree(sick, folder / "strange")
    recipe = json.loads((folder / GOOD[0] / "run.json").read_text())["recipe"]
    record = json.loads((folder / "strange/run.json").read_text())
    (folder / "strange/run.json").write_text(json.dumps({**record, "recipe": recipe}))
    made, _ = recorded(folder, tmp_path)
    assert made.left_out == (str(folder / "as-recorded-22"),)
    assert made.runs == 4
    assert list(made.doubtful) == [str(folder / "strange")]


def test_a_reference_is_recorded_again_but_never_over_another(good, tmp_path):
    folder = good()
    made, _ = recorded(folder, tmp_path)
    recipe = made.folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("above = 0.9", "above = 0.8"))
    edited, bands = recipe.read_text(), (made.folder / "curves.csv").read_text()
    shutil.copytree(QUICK / "as-recorded-22", folder / "as-recorded-22")
    references._recipe.cache_clear()
    recorded(folder, tmp_path)
    assert recipe.read_text() == edited
    assert (made.folder / "curves.csv").read_text() != bands
    for path in folder.iterdir():
        (path / "run.json").unlink()
    with pytest.raises(UsageError, match="holds a reference of another recipe"):
        recorded(folder, tmp_path, env=FETCH)
    assert recipe.read_text() == edited


def test_the_command_makes_it_and_says_how_it_is_found(good, tmp_path, capsys, monkeypatch):
    good()
    monkeypatch.chdir(tmp_path)
    arguments = ["record", "--from", "our runs", "--name", "our_env/ours"]
    # It may be named before it is there.
    (tmp_path / "rldoctor.toml").write_text('references = ["other"]')
    assert command(arguments) == 0
    out = capsys.readouterr().out
    assert "our_env/ours from 3 runs on FetchReachDense-v4" in out
    assert 'references = ["reference_curves"]' in out
    (tmp_path / "rldoctor.toml").write_text('references = ["reference_curves"]')
    assert command(arguments) == 0
    assert "write into rldoctor.toml" not in capsys.readouterr().out
    assert command(["diagnose", str(QUICK / "as-recorded-22")]) == 0
    assert "compared with our_env/ours" in " ".join(capsys.readouterr().out.split())
    assert read_config(tmp_path / "rldoctor.toml").references == (tmp_path / "reference_curves/our_env/ours",)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "by training its recipe, or from runs"),
        (["quick", "--from", "x"], "by training its recipe, or from runs"),
        (["--from", "our runs"], "has no name"),
        (["--from", "nowhere", "--name", "a/b"], "There is no directory nowhere"),
    ],
)
def test_the_command_says_what_is_missing(good, tmp_path, capsys, monkeypatch, arguments, said):
    good()
    monkeypatch.chdir(tmp_path)
    assert command(["record", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_two_references_of_one_name_are_refused(good, tmp_path):
    made, _ = recorded(good(), tmp_path)
    shutil.copytree(made.folder, tmp_path / "again")
    with pytest.raises(UsageError, match="is called 'our_env/ours', like the one in"):
        context_of(Config(references=(made.folder, tmp_path / "again")))
    shipped = references.find_folder("quick")
    with pytest.raises(UsageError, match="fetch_reach_dense/quick"):
        context_of(Config(references=(shipped,)))


def test_charts_of_the_page_draw_the_bands_of_an_own_reference(good, tmp_path):
    from rldoctor.diagnosis.chart_data import StoredDetails

    _, config = recorded(good(), tmp_path)
    [diagnosed] = diagnose([QUICK / "as-recorded-22"], config=config)
    assert diagnosed.reference == "our_env/ours"
    assert len(StoredDetails().bands(diagnosed)["episode_return"].median)
