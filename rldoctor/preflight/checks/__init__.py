"""The preflight checks, one a file, by theme."""
