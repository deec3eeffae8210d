"""Tiny environments that an implementation of an algorithm must solve, each of which can fail for one reason."""
