"""The pages of the commands, from the command line itself."""

from __future__ import annotations

import re
from typing import Any

import typer

from rldoctor.cli.app import COMMANDS, application


def pages() -> dict[str, str]:
    """Return the Markdown of each command's page, and of their list, by place."""
    top = typer.main.get_command(application())
    made = {f"commands/{word}.md": _page(top, word) for word in COMMANDS}
    rows = [f"| [{word}]({word}.md) | {_help(_command(top, word)).splitlines()[0]} |" for word in COMMANDS]
    head = ["# Commands", "", "`rldoctor COMMAND --help` shows the same in the terminal.", "", "| | |", "|---|---|"]
    made["commands/index.md"] = "\n".join([*head, *rows]) + "\n"
    return made


def _command(group: Any, word: str) -> Any:
    return group.commands[word]


def _page(top: Any, word: str) -> str:
    command = _command(top, word)
    lines = [f"# rldoctor {word}", ""]
    if not hasattr(command, "commands"):
        return "\n".join([*lines, *_part(command, f"rldoctor {word}", "## ")]) + "\n"
    lines += [_help(command), ""]
    for name, sub in command.commands.items():
        lines += [f"## {name}", "", *_part(sub, f"rldoctor {word} {name}", "### "), ""]
    return "\n".join(lines) + "\n"


def _part(command: Any, name: str, level: str) -> list[str]:
    """Return help, usage, arguments and options of a command."""
    context = command.make_context(name, [], resilient_parsing=True)
    lines = [_help(command), "", "```text", " ".join([name, *command.collect_usage_pieces(context)]), "```"]
    for kind in ("argument", "option"):
        shown = [param for param in command.get_params(context) if param.param_type_name == kind]
        records = [record for param in shown if (record := param.get_help_record(context)) is not None]
        if records:
            lines += ["", f"{level}{kind.capitalize()}s", "", "| | |", "|---|---|"]
            lines += [f"| {_code(names)} | {_cell(text)} |" for names, text in records]
    return lines


def _help(command: Any) -> str:
    return str(command.help or "").strip()


def _code(names: str) -> str:
    return f"`{names}`"


def _cell(text: str) -> str:
    """Return a help text as a cell of a table."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("[", "\\[").replace("<", "&lt;").replace("*", "\\*")
