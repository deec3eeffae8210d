"""What is said of how a training turned out: the verdict, and returns that tell nothing of it."""
