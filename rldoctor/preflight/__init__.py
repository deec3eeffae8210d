"""Preflight: is this machine and this environment fit to train on? One check a file, found by package walk."""
