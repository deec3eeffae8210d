"""Training and evaluation on the real environment with Stable-Baselines3's algorithms."""
