"""References recorded: bands of healthy curves, from seeds of a recipe or from runs that exist."""
