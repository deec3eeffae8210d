"""The doctor beside a training: how early it warns, whom it stops, what it costs: ``python -m benchmarks.watch``, see ``__main__``."""
