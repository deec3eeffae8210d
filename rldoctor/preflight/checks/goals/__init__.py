"""Checks of goals and of the success flag."""
