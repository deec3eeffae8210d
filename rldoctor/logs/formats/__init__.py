"""One log format a module."""
