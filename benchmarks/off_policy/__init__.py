"""Faults put into real Stable-Baselines3 trainings of off-policy methods, their logs, and what is said of them."""
