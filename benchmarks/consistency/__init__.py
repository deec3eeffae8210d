"""Does a report contradict itself? ``python -m benchmarks.consistency``, see ``__main__``."""
