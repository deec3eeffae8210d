"""The examination: every witness of a training is heard, and weighed in one set of odds."""
