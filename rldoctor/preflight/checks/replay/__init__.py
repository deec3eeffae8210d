"""Checks of what learns from a replay buffer: what is stored, relabelled, followed and learned."""
