"""Correct single-file algorithms, into which ``benchmarks.probes`` puts bugs."""
