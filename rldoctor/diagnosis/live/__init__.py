"""The diagnosis of a training that still runs: when it is examined, what is found, and what that comes to."""
