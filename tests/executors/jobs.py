"""What the executors' tests let other processes do: functions of a module, as jobs must be."""

from __future__ import annotations

import os
import signal
import threading

from rldoctor.errors import UsageError


def double(send, value):
    send(("half way", value))
    return 2 * value


def raise_usage(send):
    raise UsageError("The knob is loose.", "Fasten it.")


def divide(send):
    return 1 / 0


def die(send, number=signal.SIGKILL):
    os.kill(os.getpid(), number)


def leave(send):
    os._exit(7)


def about_itself(send):
    return os.getpid(), os.environ.get("OMP_NUM_THREADS"), threading.active_count()


def setting(send, name):
    return os.environ.get(name)


def go_on_for_ever(send):
    send(os.getpid())
    threading.Event().wait()
