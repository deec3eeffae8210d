"""Loads what the diagnosis of every run needs, in the process from which those that share many runs are forked."""

from __future__ import annotations

import numpy.ma  # noqa: F401  # numpy itself imports it at the first use of some function.

from rldoctor import references
from rldoctor.diagnosis.context import shipped_context
from rldoctor.logs.frameworks import shipped_tag_mappings
from rldoctor.settings.library import libraries

shipped_context()
shipped_tag_mappings()
libraries()
for _name in references.names():
    references.load(_name)
