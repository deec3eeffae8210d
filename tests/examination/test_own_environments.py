"""Environments as users write them: what their checks say leads to the cause, and healthy ones are left in peace."""

from __future__ import annotations

import pytest

from benchmarks.own_environments.__main__ import NOT_LEARNED, diagnosed, is_right


# test_examine has one environment of each kind with every test.
@pytest.mark.slow
def test_the_environment_at_hand_leads_to_the_cause() -> None:
    results = diagnosed()
    assert len(results) == 160
    faults = [item for item in results if item[0].causes]
    # docs/own-environments.md says which are missed, and why.
    assert sum(is_right(own, heard) for own, _, heard in faults) >= 97
    assert sum(is_right(own, alone) for own, alone, _ in faults) < 60
    healthy = [item for item in results if not item[0].causes and item[0].name not in NOT_LEARNED]
    # A bandit that is solved within a tenth of its training: its logs alone make it suspect.
    assert [own.name for own, _, heard in healthy if not is_right(own, heard)] == ["Switch"]
