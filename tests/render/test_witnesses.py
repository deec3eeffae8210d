"""The witnesses of a run, in the formats for people."""

from __future__ import annotations

from dataclasses import replace

from rldoctor.model import RunDiagnosis, Verdict, Witness, make_report
from rldoctor.render.markdown import render_markdown


def test_markdown_has_the_witnesses_of_a_sick_run():
    witnesses = (
        Witness("logs", "9 metrics, 40 points", "RET101 return-flat"),
        Witness("model", "", "not at hand", "rldoctor diagnose RUN --model MODEL.zip"),
    )
    run = RunDiagnosis("runs/a", Verdict.SICK, witnesses=witnesses)
    text = render_markdown(make_report("diagnose", [run]))
    assert "| logs | 9 metrics, 40 points | RET101 return-flat |" in text
    assert "| model | not at hand | to add it: rldoctor diagnose RUN --model MODEL.zip |" in text
    assert "| model |" not in render_markdown(make_report("diagnose", [replace(run, verdict=Verdict.HEALTHY)]))
