"""The settings of a training, read from the files beside its logs, and what they are evidence for.

Files of every library are read as data; what each of them calls a setting is in ``checks/settings/libraries/``.
"""

from rldoctor.settings.consistency import of_this_run
from rldoctor.settings.judge import judge_settings
from rldoctor.settings.read import read_settings

__all__ = ["judge_settings", "of_this_run", "read_settings"]
