"""Runs of environments without a reference: ``python -m benchmarks.environments``, see ``__main__``."""
