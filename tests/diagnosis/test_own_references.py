"""References of a project's own: made from runs that exist already, and later runs compared with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rldoctor import references
from rldoctor.config import Config
from rldoctor.diagnosis.context import context_of
from rldoctor.diagnosis.many import diagnose
from rldoctor.diagnosis.match import match
from rldoctor.errors import UsageError
from rldoctor.logs import read_run
from rldoctor.recording.from_runs import RecordingSpec, record_existing
from tests.diagnosis.own_runs import FETCH, GOOD, HEALTHY, QUICK, SICK, recorded


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


def test_charts_of_the_page_draw_the_bands_of_an_own_reference(good, tmp_path):
    from rldoctor.diagnosis.chart_data import StoredDetails

    _, config = recorded(good(), tmp_path)
    [diagnosed] = diagnose([QUICK / "as-recorded-22"], config=config)
    assert diagnosed.reference == "our_env/ours"
    assert len(StoredDetails().bands(diagnosed)["episode_return"].median)
