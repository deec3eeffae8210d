"""Checks of observations."""
