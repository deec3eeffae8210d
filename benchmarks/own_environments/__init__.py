"""Environments as users write them, broken and healthy ones: ``python -m benchmarks.own_environments``, see ``__main__``."""
