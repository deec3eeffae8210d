"""Documents agree with the code: commands can be typed, links and paths lead somewhere, generated pages are current."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from rldoctor.cli.app import run
from rldoctor.explain.pages import catalogue
from tests.commands import command_line

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)


def commands(document):
    """Return the rldoctor commands of a document's code blocks, comments and continued lines resolved."""
    text = document.read_text(encoding="utf-8")
    found = []
    for block in re.findall(r"^```(?:console|bash|sh)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for word in re.split(r"\|\||&&|;|\bdo\b|\|", line.removeprefix("$ ")):
                parts = shlex.split(word, comments=True)
                if parts[:1] == ["rldoctor"]:
                    found.append(parts[1:])
    return found


def test_the_rule_reference_is_what_the_command_prints(capsys):
    assert run(["rules", "--format", "md"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs" / "rules.md").read_text(encoding="utf-8"), (
        "remake it: rldoctor rules --format md > docs/rules.md"
    )


def test_the_rule_reference_holds_everything():
    headings = re.findall(r"^### (\S+)", (ROOT / "docs" / "rules.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [name for shelf in catalogue().values() for name in shelf]


@each_document
def test_every_command_has_the_options_it_is_shown_with(document):
    known = command_line()
    for arguments in commands(document):
        if not arguments or arguments[0].startswith("-"):
            continue
        word = known.commands.get(arguments[0])
        assert word is not None, arguments
        if hasattr(word, "commands"):
            word = word.commands[arguments[1]]
        options = {option for parameter in word.params for option in (*parameter.opts, *parameter.secondary_opts)}
        options |= {"--help", "-h"}
        for argument in arguments[1:]:
            if argument.startswith("-") and not re.fullmatch(r"-[\d.]*", argument):
                assert argument.partition("=")[0] in options, (document.name, arguments)


@each_document
def test_every_link_to_a_file_leads_somewhere(document):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), (document.name, target)


@each_document
def test_every_path_that_is_named_exists(document):
    package = ROOT / "rldoctor"
    for path in re.findall(r"`([\w.-]+/[\w./-]+)`", document.read_text(encoding="utf-8")):
        top = path.split("/")[0]
        if top in ("rldoctor", "checks", "tests", "benchmarks", "docs", "reference_curves"):
            assert (ROOT / path).exists() or "/mine" in path, (document.name, path)
        elif path.endswith(".py") and (package / top).is_dir():
            assert (package / path).exists(), (document.name, path)


@each_document
def test_every_benchmark_that_is_named_exists(document):
    for name in re.findall(r"python -m (benchmarks[\w.]*)", document.read_text(encoding="utf-8")):
        assert importlib.util.find_spec(name) is not None, (document.name, name)


def test_every_document_of_a_benchmark_is_in_the_table_of_measurements():
    table = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        if document.parent == ROOT / "docs" and "Reproduce with" in text:
            assert f"]({document.name})" in table, document.name


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
