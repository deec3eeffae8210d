from __future__ import annotations

import inspect

import pytest

from rldoctor import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [(errors.UsageError, 2), (errors.CannotJudge, 3), (errors.TrainingFailed, 4), (errors.RldoctorError, 4)],
)
def test_each_kind_has_its_exit_code(kind, code):
    error = kind("It is wrong.", "Do this.")
    assert error.exit_code == code
    assert str(error) == "It is wrong. Do this."
    assert (error.problem, error.cure) == ("It is wrong.", "Do this.")
    assert str(kind("It is wrong.")) == "It is wrong."


def test_a_missing_extra_names_command_package_and_what_to_install():
    error = errors.MissingExtra("rldoctor train", "torch")
    assert error.exit_code == 2
    assert "rldoctor train needs the package torch" in error.problem
    assert "pip install" in error.cure
    assert "[train]" in error.cure


def test_the_tree_in_the_docstring_is_whole():
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    for kind in kinds:
        assert kind.__name__ in errors.__doc__
        assert issubclass(kind, errors.RldoctorError)
