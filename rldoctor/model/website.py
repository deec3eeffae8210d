"""Addresses of the documentation's pages, one for each code, cause, metric and command.

The site is built from docs/ (docs/site/mkdocs.yml). Reports and the terminal link to it where its address is known.
"""

from __future__ import annotations

import os
import re

# Where the site is. Empty until it has a host: nothing links to it then. $RLDOCTOR_SITE takes precedence, for a copy of
# one's own on a host, or on the disk (file:///path/site).
SITE = ""
# Families of codes that rldoctor keeps for itself; a project's own codes are of other families, and have no page.
FAMILIES = ("ENV", "SYS", "RET", "UPD", "VAL", "EXP", "NUM", "LOG", "SPD", "EVL", "SET", "CMP", "MDL", "TST", "PRB")
_CODE = re.compile(rf"({'|'.join(FAMILIES)})\d{{3}}")


def location(folder: str, name: str) -> str:
    """Return where a page is below the site's address: ``codes/UPD101.html``.

    Args:
        folder: ``codes``, ``causes``, ``metrics``, ``commands``, or another folder of pages.
        name: The code, or the name of a cause, metric or command.
    """
    return f"{folder}/{name}.html"


def address(page: str) -> str:
    """Return the address of the page at a :func:`location`; empty where there is no such page, or no site."""
    site = os.environ.get("RLDOCTOR_SITE", SITE)
    return f"{site.rstrip('/')}/{page}" if site and page else ""


def address_of_code(code: str) -> str:
    """Return the address of a code's page; empty for a code of a project's own."""
    return address(location("codes", code)) if _CODE.fullmatch(code) else ""
