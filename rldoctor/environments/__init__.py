"""Environments: made from an id, stepped in parallel, played in whole episodes."""
