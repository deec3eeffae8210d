"""Environments: made from any name, stepped in parallel, played in whole episodes."""
