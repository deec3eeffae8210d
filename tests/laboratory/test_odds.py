"""Fitting log-odds, and what the doctor says from stored strengths."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy.answers import answer_for
from benchmarks.corpus import recorded_runs
from benchmarks.laboratory import second_opinion
from benchmarks.laboratory.answers import rates, say
from benchmarks.laboratory.odds import Expected, Odds, fit
from rldoctor.model import Verdict
from rldoctor.rulebook import Case, load_rulebook
from rldoctor.rulebook.observe import observe_all


def made_up(rows=4_000):
    """Return strengths of three signs and causes: the first two signs show the first two causes, the third is noise."""
    random = np.random.default_rng(0)
    x = (random.random((rows, 3)) < 0.5).astype(np.float32)
    logits = np.column_stack([3 * x[:, 0], 3 * x[:, 1], np.full(rows, 1.5)])
    odds = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    drawn = (odds.cumsum(axis=1) > random.random((rows, 1))).argmax(axis=1)
    return x, np.eye(3, dtype=np.float32)[drawn]


def test_weights_that_made_the_data_are_found_and_noise_gets_none():
    x, y = made_up()
    nothing = Expected(np.zeros((3, 3), np.float32), np.ones((3, 3), bool))
    found = fit(x, y, np.ones(len(x)), nothing, rounds=500, lasso=5e-3)
    # Log-odds are known up to what all causes share.
    centred = found.weight - found.weight[2]
    assert centred[0, 0] == pytest.approx(3, abs=0.4) and centred[1, 1] == pytest.approx(3, abs=0.4)
    assert np.abs(found.weight[:, 2]).max() == 0


def test_a_weight_keeps_the_side_that_people_say():
    x, y = made_up()
    says = np.zeros((3, 3), np.float32)
    says[0, 0] = -1.0
    found = fit(x, y, np.ones(len(x)), Expected(says, np.ones((3, 3), bool)), rounds=300)
    assert found.weight[0, 0] == 0
    forbidden = Expected(np.zeros((3, 3), np.float32), np.eye(3, dtype=bool))
    found = fit(x, y, np.ones(len(x)), forbidden, rounds=300)
    assert np.abs(found.weight[~np.eye(3, dtype=bool)]).max() == 0


def test_weights_that_do_not_move_stay_as_they_begin():
    x, y = made_up()
    begin = Odds(np.full((3, 3), 0.5, np.float32), np.zeros(3, np.float32))
    first = np.repeat([[True], [False], [False]], 3, axis=1)
    says = Expected(begin.weight, np.ones((3, 3), bool))
    found = fit(x, y, np.ones(len(x)), says, begin, rounds=100, moving=first)
    assert (found.weight[1:] == 0.5).all() and (found.weight[0] != 0.5).any()


def test_the_laboratory_has_its_share_where_it_can_know(monkeypatch):
    book = load_rulebook()
    names, codes = ["healthy", "learning-rate-too-high"], ["UPD112", "UPD102", "RET104"]
    assert "UPD112" in book.diagnoses["learning-rate-too-high"].hallmarks
    asked = []

    def fitted(left_out):
        asked.append(left_out)
        return ("UPD112", "UPD102"), Odds(np.full((2, 2), 5.0, np.float32), np.full(2, 1.0, np.float32))

    monkeypatch.setattr(second_opinion, "_fitted", fitted)
    own = Odds(np.ones((2, 3), np.float32), np.zeros(2, np.float32))
    found = second_opinion.joined(book, names, codes, own, {"CartPole-v1", "Pendulum-v1"})
    share = second_opinion.SHARE
    # Neither health, nor a hallmark, nor a sign that needs a reference.
    assert found.weight.tolist() == [[1, 1, 1], [1, pytest.approx(1 + 4 * share), 1]]
    assert found.bias.tolist() == [0, pytest.approx(share)]
    assert asked == [{"fetch-like"}]


def test_strengths_alone_give_the_answer_of_a_diagnosis():
    book = load_rulebook()
    # Of what could not be read, strengths know nothing.
    chosen = [one for one in recorded_runs()[::25] if not one.run.findings]
    assert len(chosen) > 10
    for recorded in chosen:
        case = Case(recorded.run)
        observed, _ = observe_all(book, case)
        points = max(len(curve) for curve in case.curves.values())
        strengths = np.array([item.strength for item in observed])
        codes = [item.sign.code for item in observed]
        said = say(book, codes, strengths, points, "episode_return" in case.curves)
        whole = answer_for(recorded, book, use_references=False)
        assert said.verdict is whole.verdict, recorded.name
        if said.found:
            assert said.causes[:1] == whole.causes[:1], recorded.name


def test_rates_count_harmed_and_healthy_apart():
    book = load_rulebook()
    nothing = say(book, [], np.array([]), 30, has_return=True)
    assert nothing.verdict is Verdict.UNJUDGED and not nothing.found
    count = rates([nothing, nothing], [("sparse-reward",), ("healthy",)], [True, False])
    assert count["found"] == (0, 1) and count["healthy unjudged"] == (1, 1)
