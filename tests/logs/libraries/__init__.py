"""Logs of libraries besides Stable-Baselines3: what is read of them, how they are judged, and in which words."""
