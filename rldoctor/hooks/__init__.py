"""What is told to others when a verdict changes: a command, a webhook or the desktop."""
