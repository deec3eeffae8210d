"""Environments broken in one way each, and the finding that names it."""
