"""What was found in a run."""

from __future__ import annotations


def codes(run):
    return [finding.code for finding in run.findings]


def only(run, code):
    (finding,) = run.findings
    assert finding.code == code
    return finding
