"""Faults caused on purpose, to test what rldoctor promises about them.

Each module, or package, is a topic. Its ``FAULTS`` are tested briefly by tests/reliability, and many times by
``python -m benchmarks.reliability``, which writes docs/reliability.md.
"""
