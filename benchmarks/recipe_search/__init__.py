"""Searches for the PPO recipe that learns to reach soonest; ``python -m benchmarks.recipe_search --help``."""
