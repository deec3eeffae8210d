"""Settings written as text: numbers, Python expressions (never evaluated) and tables in Markdown."""

from __future__ import annotations

import ast
import re
import warnings

from rldoctor.settings.tree import Node, Tree

_NUMBER = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?")
_WORDS: dict[str, Tree] = {"": None, "~": None, "null": None, "none": None, "true": True, "false": False}
# A call, or a table or list in brackets: dict(net_arch=[64, 64]), Namespace(lr=0.1), {'norm_obs': True}.
_EXPRESSION = re.compile(r"\s*(dict|Namespace|OrderedDict)?\s*[({\[]")
_LONGEST = 20_000


def scalar(text: str) -> Tree:
    """Return what an unquoted text means: nothing, a truth value, a number, or itself.

    ``3e-4`` is a number, as it is to those who write it, although YAML 1.1 takes it for a text.
    """
    word = text.strip()
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    if _NUMBER.fullmatch(word):
        digits = word.replace("_", "")
        # More digits than Python converts in reasonable time are no setting.
        return (int(digits) if re.fullmatch(r"[-+]?\d{1,18}", digits) else float(digits)) if len(word) < 64 else text
    return text


def expression(text: str, line: int | None = None) -> Node | None:
    """Return what a Python expression states, as data: ``None`` for a text that is none.

    Calls become tables of their keyword arguments and names become texts; nothing is evaluated.
    """
    if len(text) > _LONGEST or not _EXPRESSION.match(text):
        return None
    try:
        with warnings.catch_warnings():
            # Of doubtful literals; what matters is whether it parses.
            warnings.simplefilter("ignore")
            tree = ast.parse(" ".join(text.split()), mode="eval").body
        return Node(_data(tree, line).value, line)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _data(node: ast.expr, line: int | None) -> Node:
    if isinstance(node, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
        return Node({str(key): _data(item, line) for key, item in zip(keys, node.values, strict=True)}, line)
    if isinstance(node, (ast.List, ast.Tuple)):
        return Node([_data(item, line) for item in node.elts], line)
    if isinstance(node, ast.Call) and node.keywords:
        return Node({item.arg: _data(item.value, line) for item in node.keywords if item.arg}, line)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _data(node.operand, line).value
        return Node(-value if isinstance(value, (int, float)) else None, line)
    if isinstance(node, ast.Constant):
        return Node(node.value if isinstance(node.value, (str, int, float, bool)) else None, line)
    return Node(ast.unparse(node), line)


def markdown_table(text: str) -> Node:
    """Return the rows ``|name|value|`` of a table in Markdown, as CleanRL writes its hyperparameters."""
    rows = [line.strip().strip("|").split("|", 1) for line in text[:_LONGEST].splitlines() if "|" in line]
    pairs = [(row[0].strip(), row[1].strip()) for row in rows if len(row) == 2]
    return Node(
        {name: expression(value) or Node(scalar(value)) for name, value in pairs if name and not set(name) <= set("-:")}
    )
