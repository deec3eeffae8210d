"""The report as a page of its own, and as a fragment for notebooks."""
