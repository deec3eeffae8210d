"""Many trainings of one recipe: other seeds, other settings, side by side, on this machine or on a cluster."""
