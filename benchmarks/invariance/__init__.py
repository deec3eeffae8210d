"""How far a diagnosis depends on the way a run was logged: ``python -m benchmarks.invariance``, see ``__main__``."""
