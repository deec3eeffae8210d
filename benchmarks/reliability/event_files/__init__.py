"""Event files that are truncated, damaged, growing, huge, odd, shared, or not event files at all."""

from __future__ import annotations

from benchmarks.reliability.event_files.content import many_tags, odd_values, several_writers, still_being_written
from benchmarks.reliability.event_files.damage import cut, flipped, huge_records, odd_records
from benchmarks.reliability.event_files.foreign import (
    _cannot_become_nobody,
    hostile_names,
    no_event_files,
    not_to_be_opened,
    permission_denied,
)
from benchmarks.reliability.fault import Fault

TITLE = "Event files"
FAULTS = (
    Fault("truncated at any byte", cut, often=2_500, briefly=60),
    Fault("one bit flipped", flipped, often=10_000, briefly=150),
    Fault(
        "wrong checksum, empty record, zeros, lengths of up to 2^64 between records", odd_records, often=20, briefly=1
    ),
    Fault("read while it is written", still_being_written, often=40, briefly=1),
    Fault("records of megabytes or gigabytes", huge_records, often=9),
    Fault("a million tags", many_tags, often=1_000_000, briefly=2_000),
    Fault(
        "NaN, infinities, steps that go backwards, are negative or need 64 bits, no wall time",
        odd_values,
        often=40,
        briefly=1,
    ),
    Fault("three simultaneous writers in one directory", several_writers, often=20, briefly=1),
    Fault("gzip, text, noise, zeros or HTML under the name of an event file", no_event_files, often=20, briefly=1),
    Fault("pipes, sockets, directories, loops of links, dangling links", not_to_be_opened, often=20, briefly=1),
    Fault("permission denied", permission_denied, often=3, why_not=_cannot_become_nobody),
    Fault("names with newlines, escape sequences, markup, commands", hostile_names, often=14, briefly=1),
)
