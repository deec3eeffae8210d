"""Attacks in runs, policies, recipes and reports from strangers, none of which may succeed."""

from __future__ import annotations

from benchmarks.reliability.fault import Fault
from benchmarks.reliability.platforms import cannot_unshare
from benchmarks.reliability.trust.inputs import nothing_outside, paths_that_lead_out
from benchmarks.reliability.trust.network import no_network, unplugged
from benchmarks.reliability.trust.pickles import planted_pickles
from benchmarks.reliability.trust.policies import hostile_policies
from benchmarks.reliability.trust.reports import hostile_reports
from benchmarks.reliability.trust.vulnerabilities import known_faults, no_safety_db

TITLE = "Trust"
FAULTS = (
    Fault("a pickle that creates a file, in every file and archive member of a run", planted_pickles, often=40),
    Fault(
        "zip bombs, false sizes, overlapping members, wrong shapes, paths that leave the archive",
        hostile_policies,
        often=9,
    ),
    Fault("recipes and evaluations with paths that leave their folder", paths_that_lead_out, often=13, briefly=3),
    Fault("invalid recipes, tag mappings and reports", nothing_outside, often=6, briefly=2),
    Fault("one attack string in every text of a report, all formats", hostile_reports, often=3, briefly=2),
    Fault("every command monitored for connections", no_network, often=16),
    Fault("no network at all", unplugged, often=5, why_not=cannot_unshare),
    Fault("known vulnerabilities of the pinned packages, offline", known_faults, often=1, why_not=no_safety_db),
)
