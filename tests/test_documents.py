"""Documents that tell of the code are the code's own words, and what they tell to type can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from rldoctor.cli.app import app, run
from rldoctor.explain.pages import catalogue

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
]


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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_command_has_the_options_it_is_shown_with(document):
    known = typer.main.get_command(app)
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
            if argument.startswith("-") and not re.fullmatch(r"-[\d.]+", argument):
                assert argument.partition("=")[0] in options, (document.name, arguments)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_link_to_a_file_leads_somewhere(document):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), (document.name, target)
