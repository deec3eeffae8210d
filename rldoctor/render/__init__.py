"""Report to output: one renderer a file, all of them in one dictionary."""

from rldoctor.render.formats import FORMATS, render, stream

__all__ = ["FORMATS", "render", "stream"]
