"""Stable-Baselines3: its arguments from a recipe, and what makes it faster with the same numbers."""
