"""Checks of whole episodes: how they end, and what happens late in them."""
