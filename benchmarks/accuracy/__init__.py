"""How often the diagnosis is right: ``python -m benchmarks.accuracy``, see ``__main__``."""
