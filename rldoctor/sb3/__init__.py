"""What Stable-Baselines3 is given: arguments made of a recipe, and what makes it faster with the same numbers."""
