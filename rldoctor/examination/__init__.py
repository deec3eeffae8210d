"""The examination: every witness of a training (logs, environment, settings, saved model) is heard, and weighed in one set of odds."""
