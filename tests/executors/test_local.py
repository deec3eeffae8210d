"""Jobs in processes of this machine, the ones that end badly above all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from rldoctor import machine
from rldoctor.errors import RldoctorError
from rldoctor.executors import Done, Failed, Job, Lost, Message, map_jobs
from rldoctor.executors.local import LocalExecutor
from tests.executors import jobs


def heard(executor, *work):
    """Do the jobs and return what was heard, by key."""
    events = {}

    def handle(event):
        events.setdefault(event.key, []).append(event)

    executor.run([Job(str(place), *job) for place, job in enumerate(work)], handle)
    return events


def test_jobs_send_and_return():
    events = heard(LocalExecutor(2), *((jobs.double, (value,)) for value in range(5)))
    for value in range(5):
        assert events[str(value)] == [Message(str(value), ("half way", value)), Done(str(value), 2 * value)]


def test_results_come_in_the_order_of_the_arguments():
    assert map_jobs(LocalExecutor(3), jobs.double, [(value,) for value in (5, 1, 4)]) == [10, 2, 8]
    assert map_jobs(LocalExecutor(), jobs.double, []) == []


def test_no_end_takes_another_job_down():
    events = heard(
        LocalExecutor(2),
        (jobs.die,),
        (jobs.double, (1,)),
        (jobs.raise_usage,),
        (jobs.die, (signal.SIGSEGV,)),
        (jobs.divide,),
        (jobs.leave,),
        (jobs.double, (2,)),
    )
    assert events["1"][-1] == Done("1", 2)
    assert events["6"][-1] == Done("6", 4)
    assert events["2"] == [Failed("2", "The knob is loose.", "Fasten it.", 2)]
    assert events["4"] == [Failed("4", "ZeroDivisionError: division by zero", "")]
    killed, crashed, left = (events[key] for key in "035")
    assert killed == [
        Lost("0", "Its process was ended by SIGKILL, which is how Linux ends a process that uses too much memory.")
    ]
    assert crashed == [Lost("3", "Its process was ended by SIGSEGV.")]
    assert left == [Lost("5", "Its process ended with code 7 before the job was done.")]


def test_a_job_that_handle_returns_is_done_as_well():
    ends = []

    def handle(event):
        ends.append(event)
        return Job("again", jobs.double, (21,)) if isinstance(event, Lost) else None

    LocalExecutor(1).run([Job("first", jobs.die)], handle)
    assert ends[-1] == Done("again", 42)


def test_jobs_are_taken_when_there_is_a_place():
    taken, ended = [], []

    def endless():
        for place in range(4):
            taken.append((place, len(ended)))
            yield Job(str(place), jobs.double, (place,))

    LocalExecutor(1).run(endless(), lambda event: ended.append(event) if isinstance(event, Done) else None)
    assert taken == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_as_many_at_a_time_as_there_are_cores_with_one_thread_each(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    executor = LocalExecutor()
    assert executor.slots == machine.cores()
    about = map_jobs(executor, jobs.about_itself, [()] * 2)
    assert {threads for _, threads, _ in about} == {"1"}
    assert len({process for process, *_ in about} | {os.getpid()}) == 3
    assert "OMP_NUM_THREADS" not in os.environ


def test_jobs_have_the_environment_of_their_driver_now(monkeypatch):
    """Credentials set after the first job, for one."""
    for value in ("one", "two"):
        monkeypatch.setenv("RLDOCTOR_TEST", value)
        assert map_jobs(LocalExecutor(1), jobs.setting, [("RLDOCTOR_TEST",)]) == [value]
    monkeypatch.delenv("RLDOCTOR_TEST")
    assert map_jobs(LocalExecutor(1), jobs.setting, [("RLDOCTOR_TEST",)]) == [None]


def test_what_handle_raises_ends_all_jobs():
    processes = []

    def handle(event):
        processes.append(psutil.Process(event.content))
        if len(processes) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalExecutor(2).run([Job(str(place), jobs.go_on_for_ever) for place in range(2)], handle)
    assert len(processes) == 2
    psutil.wait_procs(processes, timeout=30)
    assert not any(process.is_running() and process.status() != "zombie" for process in processes)


def test_a_failed_job_of_a_map_is_an_error():
    with pytest.raises(RldoctorError, match=r"The knob is loose\. Fasten it\.") as raised:
        map_jobs(LocalExecutor(1), jobs.raise_usage, [()])
    assert raised.value.exit_code == 2
    with pytest.raises(RldoctorError, match="SIGKILL"):
        map_jobs(LocalExecutor(1), jobs.die, [()])


DRIVER = """
from rldoctor.executors import Job
from rldoctor.executors.local import LocalExecutor
from tests.executors import jobs
LocalExecutor(1).run([Job("one", jobs.go_on_for_ever)], lambda event: print(event.content, flush=True))
"""


def test_jobs_end_with_a_driver_that_is_killed():
    with subprocess.Popen([sys.executable, "-c", DRIVER], stdout=subprocess.PIPE, text=True) as driver:
        worker = psutil.Process(int(driver.stdout.readline()))
        assert worker.is_running()
        driver.kill()
    gone, alive = psutil.wait_procs([worker], timeout=30)
    assert gone and not alive
