"""Trainings watched from outside, by what they add to their logs."""
