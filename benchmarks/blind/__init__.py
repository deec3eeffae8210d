"""Trainings that neither signs nor weights have seen: ``python -m benchmarks.blind``, see ``__main__``."""
