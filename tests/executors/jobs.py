"""What the executors' tests let other processes do: functions of a module, as jobs must be."""

from __future__ import annotations

import os
import signal
import threading

from rldoctor.errors import UsageError


def double(tell, value):
    tell(("half way", value))
    return 2 * value


def raise_usage(tell):
    raise UsageError("The knob is loose.", "Fasten it.")


def divide(tell):
    return 1 / 0


def die(tell, number=signal.SIGKILL):
    os.kill(os.getpid(), number)


def leave(tell):
    os._exit(7)


def about_itself(tell):
    return os.getpid(), os.environ.get("OMP_NUM_THREADS"), threading.active_count()


def setting(tell, name):
    return os.environ.get(name)


def go_on_for_ever(tell):
    tell(os.getpid())
    threading.Event().wait()
