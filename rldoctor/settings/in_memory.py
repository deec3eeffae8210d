"""The settings of a training that runs, as its own process knows them."""

from __future__ import annotations

from collections.abc import Mapping

from rldoctor.model import Json
from rldoctor.model.settings import Settings
from rldoctor.settings.library import libraries
from rldoctor.settings.normal import Stated, as_settings, normal_form, with_defaults
from rldoctor.settings.tree import as_node, flatten


def settings_in_memory(name: str, values: Mapping[str, Json], place: str) -> Settings:
    """Return settings in the normal form.

    Args:
        name: Whose settings these are: a key of ``checks/settings/libraries/``.
        values: What the library calls each of them, to its value; nested tables are allowed.
        place: Where the user finds them, in the words of messages: they stand "in PPO(...)".

    Raises:
        StopIteration: No library is called so.
        ValueError: There are more values than any training has, or they are nested too deeply.
    """
    library = next(item for item in libraries() if item.library == name)
    stated = {key: Stated(entry, place) for key, entry in flatten(as_node({**values})).items()}
    found = with_defaults(library, normal_form(library, stated), stated)
    return as_settings(found, library=library.library, framework=library.framework)
