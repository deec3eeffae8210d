"""Work shared with copies of the process."""

from __future__ import annotations

import sys

import pytest

from rldoctor.errors import RldoctorError
from rldoctor.executors.forked import map_forked
from tests.executors import jobs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no other system copies a process safely")


def test_results_come_in_order_from_here_and_from_copies() -> None:
    assert map_forked(jobs.double, [(5,), (1,), (4,)]) == [10, 2, 8]


def test_a_copy_that_dies_is_one_error() -> None:
    with pytest.raises(RldoctorError, match="lost"):
        map_forked(lambda _send, last: jobs.die(_send) if last else None, [(False,), (True,)])
