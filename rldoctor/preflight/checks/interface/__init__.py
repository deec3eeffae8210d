"""Checks of the environment's interface: it can be made, steps, resets, ends, repeats."""
