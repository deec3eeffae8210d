"""Expressions that select rows of a table, such as ``verdict == "sick" and final_return < -5``.

They are written as in Python and pandas, but nothing is executed: the text is parsed, each part of it must be one of a
few known ones, and those become a filter of pyarrow.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from rldoctor.diagnosis.bulk.arrow import pa, pc
from rldoctor.errors import UsageError, near
from rldoctor.model import Verdict

_LONGEST = 10_000
_HOW = """Write it as 'verdict == "sick" and final_return < -5'; and, or, not, in [...], is None and startswith work."""
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_METHODS: Mapping[str, Callable[[Any, str], Any]] = {"startswith": pc.starts_with, "endswith": pc.ends_with}
_KINDS = {"text": "text", "number": "a number", "truth": "True or False", "nothing": "None"}


def expression_of(text: str, schema: pa.Schema, name: str = "The table") -> pc.Expression:
    """Return the filter that ``text`` says.

    Comparisons (``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, also chained) of a column with a value, ``in`` and
    ``not in`` a list, ``"text" in column``, ``is None``, ``column.startswith("text")``, ``endswith``, a column of
    truths by itself, joined by ``and`` (``&``), ``or`` (``|``) and ``not`` (``~``).

    Args:
        text: The expression.
        schema: The columns of the table.
        name: What errors call the table.

    Raises:
        UsageError: It is no such expression, or names a column that the table does not have.
    """
    if len(text) > _LONGEST:
        raise UsageError(f"--where has {len(text):,} characters; {_LONGEST:,} are allowed.", _HOW)
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return _Reader(text.strip(), schema, name).condition(tree.body)
    except SyntaxError as error:
        raise UsageError(f"--where {text!r} is no expression: {error.msg}.", _HOW) from None
    except (ValueError, RecursionError, MemoryError):
        # A null character, or a thousand parentheses.
        raise UsageError("--where is no expression that can be read.", _HOW) from None


class _Reader:
    """Turns the parts of one expression into filters."""

    def __init__(self, text: str, schema: pa.Schema, name: str) -> None:
        self._text = text
        self._kinds = {field.name: _kind_of_type(field.type) for field in schema}
        self._name = name

    def condition(self, node: ast.expr) -> pc.Expression:
        """Return the filter for a part that is true or false of each row."""
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                return reduce(operator.and_, map(self.condition, values))
            case ast.BoolOp(values=values):
                return reduce(operator.or_, map(self.condition, values))
            case ast.BinOp(op=ast.BitAnd(), left=left, right=right):
                return self.condition(left) & self.condition(right)
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                return self.condition(left) | self.condition(right)
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
                return ~self.condition(operand)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                sides = [left, *comparators]
                parts = [self._compared(sides[i], op, sides[i + 1]) for i, op in enumerate(ops)]
                return reduce(operator.and_, parts)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=column), attr=method), args=[argument], keywords=[]):
                if method in _METHODS:
                    self._require(column, "text")
                    return _known(_METHODS[method](pc.field(column), self._text_of(argument)))
            case ast.Name(id=column):
                self._require(column, "truth")
                return _known(pc.field(column))
        raise self._refused(node)

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> pc.Expression:
        if isinstance(op, (ast.In, ast.NotIn)):
            found = self._contained(left, right)
            return ~found if isinstance(op, ast.NotIn) else found
        if isinstance(op, (ast.Is, ast.IsNot)):
            if not (isinstance(left, ast.Name) and isinstance(right, ast.Constant) and right.value is None):
                raise self._refused(right)
            found = self._column(left.id).is_null(nan_is_null=True)
            return ~found if isinstance(op, ast.IsNot) else found
        (one, kind), (other, other_kind) = self._value(left), self._value(right)
        if kind != other_kind or "nothing" in (kind, other_kind):
            raise self._refused_kinds(left, kind, right, other_kind)
        if not isinstance(one, pc.Expression) and not isinstance(other, pc.Expression):
            raise self._refused(left)
        for side, value in ((left, right), (right, left)):
            self._check_verdict(side, value)
        # What is missing is equal to nothing and neither below nor above anything, as in pandas.
        return pc.coalesce(_COMPARISONS[type(op)](one, other), pc.scalar(isinstance(op, ast.NotEq)))

    def _contained(self, left: ast.expr, right: ast.expr) -> pc.Expression:
        if isinstance(right, (ast.List, ast.Tuple, ast.Set)) and isinstance(left, ast.Name):
            column, kind = self._value(left)
            values = [self._value(item) for item in right.elts]
            for item, (value, own) in zip(right.elts, values, strict=True):
                if own != kind or isinstance(value, pc.Expression):
                    raise self._refused_kinds(left, kind, item, own)
                self._check_verdict(left, item)
            return column.isin([value for value, _ in values])
        if isinstance(right, ast.Name):
            self._require(right.id, "text")
            return _known(pc.match_substring(pc.field(right.id), self._text_of(left)))
        raise self._refused(right)

    def _value(self, node: ast.expr) -> tuple[Any, str]:
        """Return a column or a value, and its kind."""
        match node:
            case ast.Name(id=name):
                return self._column(name), self._kinds[name]
            case ast.Constant(value=bool(value)):
                return value, "truth"
            case ast.Constant(value=int(value) | float(value)):
                return float(value), "number"
            case ast.Constant(value=str(value)):
                return value, "text"
            case ast.Constant(value=None):
                return None, "nothing"
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant(value=int(value) | float(value))):
                return (-float(value) if isinstance(sign, ast.USub) else float(value)), "number"
        raise self._refused(node)

    def _column(self, name: str) -> pc.Expression:
        if name not in self._kinds:
            raise UsageError(f"{self._name} has no column {name!r}.", near(name, self._kinds))
        # A whole number beyond 2**53 is no number of steps.
        return pc.field(name).cast(pa.float64()) if self._kinds[name] == "number" else pc.field(name)

    def _require(self, name: str, kind: str) -> None:
        self._column(name)
        if self._kinds[name] != kind:
            raise UsageError(f"The column {name} holds {_KINDS[self._kinds[name]]}, not {_KINDS[kind]}.", _HOW)

    def _text_of(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        raise self._refused(node)

    def _check_verdict(self, column: ast.expr, value: ast.expr) -> None:
        """Refuse a word that is no verdict: no row could have it, and silence would read as good news."""
        known = [verdict.value for verdict in Verdict]
        is_asked = isinstance(column, ast.Name) and column.id == "verdict"
        if is_asked and isinstance(value, ast.Constant) and value.value not in known:
            raise UsageError(f"{value.value!r} is no verdict.", near(str(value.value), known))

    def _refused_kinds(self, left: ast.expr, kind: str, right: ast.expr, other: str) -> UsageError:
        one, two = self._shown(left), self._shown(right)
        hint = f"Write {one} is None." if other == "nothing" else _HOW
        return UsageError(f"--where compares {one} ({_KINDS[kind]}) with {two} ({_KINDS[other]}).", hint)

    def _refused(self, node: ast.expr) -> UsageError:
        return UsageError(f"--where cannot use {self._shown(node)!r}.", _HOW)

    def _shown(self, node: ast.expr) -> str:
        found = ast.get_source_segment(self._text, node) or "this"
        return found if len(found) <= 60 else f"{found[:60]}..."


def _known(condition: pc.Expression) -> pc.Expression:
    """Return a condition that is false where a value is missing."""
    return pc.coalesce(condition, pc.scalar(False))


def _kind_of_type(type_: pa.DataType) -> str:
    if pa.types.is_boolean(type_):
        return "truth"
    return "number" if pa.types.is_integer(type_) or pa.types.is_floating(type_) else "text"
