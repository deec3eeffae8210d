"""The work on a batch of runs: diagnose each, keep all as one Parquet file, and return its summary."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rldoctor.diagnosis.bulk.plan import Found, Unit, list_unit
from rldoctor.diagnosis.bulk.store import write_part
from rldoctor.diagnosis.bulk.summary import COLUMNS, Summary, summary_of
from rldoctor.diagnosis.bulk.table import table_of
from rldoctor.diagnosis.many import Each
from rldoctor.errors import RldoctorError, first_line
from rldoctor.logs.remote import fetch, is_remote, name_of
from rldoctor.model import RunDiagnosis, Unjudged, Verdict

# Runs of an object store: ours. A fetch waits twice for the store, some 60 ms, and takes 7 ms of a core.
FETCHED_AT_A_TIME = 8
# Runs that are measured together, where possible; some megabytes.
_TOGETHER = 100
_GONE = "It was deleted after it had been listed."


@dataclass(frozen=True)
class Batch:
    """What makes one file of a batch of runs; sent to wherever that is done.

    Attributes:
        each: Diagnoses the runs in folders, in their order.
        place: The folder of the results.
        token: Of the command, so that files of two commands have different names.
        current: The current folder of the command, which paths are relative to.
    """

    each: Each
    place: str
    token: str
    current: str

    def find(self, unit: Unit) -> Sequence[Found]:
        """Return the runs of a unit.

        Raises:
            UsageError: This machine does not see its folders.
        """
        with _in_folder(self.current):
            return list_unit(unit)

    def __call__(self, runs: Sequence[Found]) -> Summary:
        """Diagnose ``runs``, keep them, and return their summary.

        The name of the file is made from the runs, so that a batch that is done twice, since a machine was lost, is one
        file.

        Raises:
            RldoctorError: A run cannot be diagnosed as asked for, or the file cannot be written.
        """
        with _in_folder(self.current):
            return self._kept(runs)

    def _kept(self, runs: Sequence[Found]) -> Summary:
        remote = [found.run for found in runs if is_remote(found.run)]
        with _cache_of_its_own(bool(remote)), ThreadPoolExecutor(FETCHED_AT_A_TIME, "fetch runs") as pool:
            # Most of the time of a fetch is waiting, during which runs that are here are diagnosed.
            fetched = dict(zip(remote, [pool.submit(fetch, run) for run in remote], strict=True))
            try:
                table = table_of(self._diagnosed(runs, fetched))
            finally:
                pool.shutdown(cancel_futures=True)
        names = "\n".join(found.run for found in runs).encode("utf-8", "backslashreplace")
        part = f"part-{self.token}-{hashlib.sha256(names).hexdigest()[:16]}.parquet"
        write_part(table, self.place, part)
        return summary_of(table.select(COLUMNS), part)

    def _diagnosed(
        self, runs: Sequence[Found], fetched: Mapping[str, Future[list[Path]]]
    ) -> Iterator[tuple[RunDiagnosis, bool, str]]:
        """Yield each run's diagnosis, whether an error of rldoctor itself leaves it unjudged, and its folder."""
        for start in range(0, len(runs), _TOGETHER):
            some = runs[start : start + _TOGETHER]
            places = [next(iter(fetched[run].result()), None) if run in fetched else Path(run) for run, _ in some]
            made = iter(self._each_or_alone([place for place in places if place is not None]))
            for (run, folder), place in zip(some, places, strict=True):
                found, failed = (_unjudged(run, _GONE), False) if place is None else next(made)
                yield found, failed, folder

    def _each_or_alone(self, places: Sequence[Path]) -> list[tuple[RunDiagnosis, bool]]:
        """Diagnose runs together, or each by itself where that fails: one must not cost the others their diagnosis."""
        try:
            return [(found, False) for found in self.each(places)]
        except RldoctorError:
            raise
        except Exception as error:
            if len(places) == 1:
                # It is counted, and never healthy.
                why = f"rldoctor failed on it: {type(error).__name__}: {first_line(error)}."
                return [(_unjudged(name_of(places[0]), why), True)]
            return [found for place in places for found in self._each_or_alone([place])]


def _unjudged(run: str, why: str) -> RunDiagnosis:
    return RunDiagnosis(run, Verdict.UNJUDGED, summary=why, unjudged=(Unjudged("LOG104", why),))


@contextmanager
def _in_folder(folder: str) -> Iterator[None]:
    """Work in the folder that the command was started in, where this machine has it."""
    if not Path(folder).is_dir() or Path.cwd() == Path(folder):
        yield
        return
    with chdir(folder):
        yield


@contextmanager
def _cache_of_its_own(wanted: bool) -> Iterator[None]:
    """Fetch runs into a folder that is deleted afterwards: the logs of a million runs would fill a worker's disk."""
    if not wanted:
        yield
        return
    before = os.environ.get("RLDOCTOR_CACHE")
    with tempfile.TemporaryDirectory(prefix="rldoctor-") as folder:
        os.environ["RLDOCTOR_CACHE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["RLDOCTOR_CACHE"]
            else:
                os.environ["RLDOCTOR_CACHE"] = before
