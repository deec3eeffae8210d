"""The error at the end of a text, and texts that are none or hold no numbers."""

from __future__ import annotations

import gzip
import io

import pytest

from rldoctor.cli.app import run as command
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.errors import UsageError
from rldoctor.logs import discover, read_run
from rldoctor.model import Verdict
from tests.logs.printed.texts import EPISODES, NAN, read


def test_what_is_piped_in(tmp_path, monkeypatch, capsys):
    text = "\n".join([*EPISODES, *NAN]).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert command(["diagnose", "-", "--quiet"]) == 1
    assert capsys.readouterr().out.startswith("sick  -  ")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"no numbers")))
    assert command(["diagnose", "-", "--quiet"]) == 3
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert command(["diagnose", "-", "--quiet"]) == 2
    assert "Nothing was piped in" in capsys.readouterr().err
    for binary in (gzip.compress(text), bytes(range(256))):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(binary)))
        assert command(["diagnose", "-", "--quiet"]) == 2
        said = capsys.readouterr().err
        assert "What was piped in is no text." in said and "standard-input" not in said
    assert command(["diagnose", "-", "--cache"]) == 2
    assert "Leave out --parquet, --cache" in capsys.readouterr().err


def test_the_error_at_the_end_is_heard(tmp_path):
    said = diagnose_run(read(tmp_path, *EPISODES, *NAN))
    assert said.verdict is Verdict.SICK
    assert said.cause is not None
    assert said.cause.name == "non-finite-values"
    [text] = [finding.message for finding in said.findings if finding.code == "NUM103"]
    assert "found invalid values: tensor([[nan, nan]])" in text


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (["slurmstepd: error: *** JOB 7 ON node CANCELLED AT 2024-01-01T00:00:00 DUE TO TIME LIMIT ***"], "failed"),
        (["Traceback (most recent call last):", '  File "a.py", line 1', "KeyboardInterrupt"], "interrupted"),
        (["Training finished."], ""),
    ],
)
def test_how_it_ended(tmp_path, last, status):
    assert read(tmp_path, *EPISODES, *last).record.get("status", "") == status


def test_an_error_alone_is_heard(tmp_path):
    said = diagnose_run(read(tmp_path, "Learning rate: 0.3 of 5 stages", *NAN))
    assert said.verdict is Verdict.SICK
    assert said.cause is not None
    assert said.cause.name == "non-finite-values"


def test_rows_of_a_language_model_are_in_their_order(tmp_path):
    rows = [
        str({"loss": 0.1, "grad_norm": 1.0, "learning_rate": 1e-6, "kl": 0.01 * i, "epoch": i / 50}) for i in range(40)
    ]
    assert len(read(tmp_path, *rows).curves["approx_kl"]) == 40


def test_an_error_after_which_training_went_on_is_none(tmp_path):
    assert not read(tmp_path, *EPISODES[:9], *NAN, *EPISODES[9:]).record


@pytest.mark.parametrize("text", ["", "Nothing but words.\n", "a = 4\n", "\ufeff\n\n"])
def test_a_text_without_numbers_is_never_healthy(tmp_path, text):
    file = tmp_path / "notes.txt"
    file.write_text(text)
    said = diagnose_run(read_run(file))
    assert said.verdict is Verdict.UNJUDGED
    assert "LOG107" in {finding.code for finding in said.findings}


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "page.html").write_text("<pre>" + "\n".join(EPISODES) + "</pre>")
    assert len(read_run(*discover([tmp_path / "page.html"])).curves["episode_return"]) == len(EPISODES)
    (tmp_path / "model.log").write_bytes(b"PK\x03\x04\0\0\0")
    with pytest.raises(UsageError, match="is a file, not a directory"):
        discover([tmp_path / "model.log"])
