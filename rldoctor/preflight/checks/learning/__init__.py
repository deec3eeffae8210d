"""Checks of learning: one real update, and what trivial policies score."""
