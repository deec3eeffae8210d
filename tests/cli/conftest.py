"""A folder to call commands in."""

from __future__ import annotations

import pytest


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder of the test, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
