"""Checks of the machine: packages, GPU, threads, disk."""
