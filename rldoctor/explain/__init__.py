"""Explanations: a page for everything that rldoctor knows, and the rule reference made of them."""
