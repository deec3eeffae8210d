"""Report to output: one renderer a file, all of them in one dictionary."""

from rldoctor.render.formats import FORMATS, render

__all__ = ["FORMATS", "render"]
