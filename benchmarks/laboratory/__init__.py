"""Thousands of trainings at once: PPO as Stable-Baselines3 does it, batched over trainings, with faults put in."""
