"""What mkdocs calls while it builds the site: adds the generated pages, and leads links to where their targets are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import command_pages
import gallery_pages
import rule_pages
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# Documents outside docs/, and where the site has them.
OUTSIDE = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "checks/README.md": "checks.md",
}
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])+)\]\(([^)\s]+)\)")
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made from the rules, the command line and the recorded runs."""
    pages = {
        place: _moved((ROOT / source).read_text(encoding="utf-8"), ROOT / source, place, config.repo_url)
        for source, place in OUTSIDE.items()
    }
    pages["decisions/index.md"] = _decisions()
    runs = gallery_pages.recorded()
    pages |= rule_pages.pages(gallery_pages.mentions(runs))
    pages |= command_pages.pages()
    pages |= gallery_pages.pages(runs)
    assets = (Path(__file__).parent / "assets").iterdir()
    made: dict[str, str | bytes] = {**pages, **{f"extra/{file.name}": file.read_bytes() for file in assets}}
    for place, content in made.items():
        if (known := files.get_file_from_path(place)) is not None:
            files.remove(known)
        files.append(File.generated(config, place, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Lead the links of a document in docs/ to where the site has their targets."""
    source = page.file.abs_src_path
    return markdown if source is None else _moved(markdown, Path(source), page.file.src_uri, config.repo_url)


def _moved(markdown: str, source: Path, place: str, repository: str | None) -> str:
    """Return a document with its links as they are on the site.

    Args:
        markdown: The document.
        source: The file that it is in.
        place: Where the site has it.
        repository: Where files that the site does not have can be read; without it they are named and not linked to.
    """

    def lead(match: re.Match[str]) -> str:
        text, target = match.groups()
        path, mark, anchor = target.partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return match[0]
        file = (source.parent / path).resolve()
        inside = file.relative_to(ROOT).as_posix()
        on_site = OUTSIDE.get(inside) or (_in_docs(file) if file.is_relative_to(DOCS) else "")
        if on_site:
            return f"[{text}]({os.path.relpath(on_site, Path(place).parent)}{mark}{anchor})"
        return f"[{text}]({repository.rstrip('/')}/blob/main/{inside})" if repository else text

    return _outside_code(markdown, lambda text: _PICTURE.sub(picture(source, place), _LINK.sub(lead, text)))


def picture(source: Path, place: str) -> Callable[[re.Match[str]], str]:
    """Return what leads a picture of a document that is moved to where the site has it."""

    def lead(match: re.Match[str]) -> str:
        file = (source.parent / match[2]).resolve().relative_to(DOCS)
        return f"![{match[1]}]({os.path.relpath(file, Path(place).parent)})"

    return lead


def _in_docs(file: Path) -> str:
    """Return where the site has a file or folder of docs/."""
    place = file.relative_to(DOCS)
    return (place / "index.md" if file.is_dir() else place).as_posix()


def _outside_code(markdown: str, change: Callable[[str], str]) -> str:
    """Change what is not in a fenced block of code."""
    return "".join(part if part.startswith("```") else change(part) for part in _FENCE.split(markdown))


def _decisions() -> str:
    """Return the list of the decisions."""
    lines = ["# Decisions", "", "What a newcomer might ask “why?” about.", ""]
    for file in sorted((DOCS / "decisions").glob("*.md")):
        title = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        lines.append(f"- [{title}]({file.name})")
    return "\n".join(lines) + "\n"
