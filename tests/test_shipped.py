from __future__ import annotations

import pytest

from rldoctor import shipped
from rldoctor.errors import RldoctorError


@pytest.mark.parametrize(
    ("name", "inside"),
    [("checks", "metrics.toml"), ("checks", "diagnoses"), ("reference_curves", "fetch_reach_dense/quick/recipe.toml")],
)
def test_data_folders_are_found(name, inside):
    assert (shipped.folder(name) / inside).exists()


def test_a_wheels_place_is_found_where_there_is_no_checkout(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "rldoctor"
    (package / "_shipped" / "checks").mkdir(parents=True)
    # Another distribution's folder of the same name beside the package is not ours.
    (package.parent / "checks").mkdir()
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    assert shipped.folder("checks") == package / "_shipped" / "checks"


def test_a_checkout_goes_before_the_wheels_copy(tmp_path, monkeypatch):
    package = tmp_path / "rldoctor"
    (package / "_shipped" / "checks").mkdir(parents=True)
    (tmp_path / "checks").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    assert shipped.folder("checks") == tmp_path / "checks"


def test_a_damaged_installation_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "_PACKAGE", tmp_path / "rldoctor")
    with pytest.raises(RldoctorError, match="missing from this installation"):
        shipped.folder("checks")
