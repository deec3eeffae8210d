"""Measurements beyond the random batch: late steps, other processes, the environment's own attributes."""
