"""Faults on purpose, each tried many times: what rldoctor promises of them, and what came of it.

Each module is a topic. Its ``FAULTS`` are run briefly by the tests (tests/reliability) and often by
``python -m benchmarks.reliability``, which writes docs/reliability.md.
"""
