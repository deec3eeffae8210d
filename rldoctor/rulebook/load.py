"""Read the rulebook, and refuse a bad file with its name, the key and the words that are allowed."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import tomli

from rldoctor import datafile
from rldoctor.errors import UsageError, near
from rldoctor.model import Severity
from rldoctor.rulebook.case import derived_metrics
from rldoctor.rulebook.detectors import DETECTORS
from rldoctor.rulebook.detectors.detector import STATISTICS, Condition
from rldoctor.rulebook.load_remedies import changes, confirmed_by
from rldoctor.rulebook.schema import Algorithm, DiagnosisRule, Example, Metric, Sign

_CODE = re.compile(r"(RET|UPD|VAL|EXP|NUM|LOG|SPD)\d{3}$")
# Families that rldoctor keeps for itself, those of checks and of the gate among them.
FAMILIES = ("ENV", "SYS", "RET", "UPD", "VAL", "EXP", "NUM", "LOG", "SPD", "EVL")
OWN_CODE = re.compile(rf"(?!{'|'.join(FAMILIES)})[A-Z]{{3}}\d{{3}}$")
_SIGN_TEXTS = ("says", "what", "why", "do", "false_alarms", "source")
_SIGN_KEYS = {"code", "name", "severity", "reassuring", "algorithms", "outcome", "when", "example", *_SIGN_TEXTS}
_DIAGNOSIS_KEYS = {
    *("name", "title", "what", "remedy", "change", "next_test", "source", "algorithms", "bias", "typical"),
    *("excluded_by", "weights", "beside", "confirmed_by"),
}
_EXAMPLE_KEYS = {"fires", "why", "curves", "points", "last_step", "reference", "record", "algorithm"}
_ALGORITHM_KEYS = ("title", "what", "limits", "source")
_Rest = ParamSpec("_Rest")
_Rule = TypeVar("_Rule")
_METRIC_KEYS = {"title", "unit", "better", "meaning", "reading", "source", "how_to_log"}


@dataclass(frozen=True)
class Rulebook:
    """Everything the doctor knows, by name."""

    algorithms: Mapping[str, Algorithm]
    metrics: Mapping[str, Metric]
    signs: Mapping[str, Sign]
    diagnoses: Mapping[str, DiagnosisRule]


def load_rulebook(folder: Path | None = None, own: tuple[Path, ...] = ()) -> Rulebook:
    """Read the rules below ``folder``, the shipped ``checks/`` by default, and those of the user's ``own`` folders.

    A folder of the user's is laid out like ``checks/``: ``signs/**``, ``diagnoses/*.toml`` and ``metrics.toml``, each
    of which may be missing (``names/`` and ``preflight/environments/`` are read where logs and environments are). It
    adds rules and replaces none: a code, a name or a metric that is there already is refused, and signs are of a
    family of their own, so that no later version of rldoctor can bring one of the same code.

    Raises:
        UsageError: A file is not valid; the message names file, key and what is allowed.
    """
    return _load(folder or datafile.folder("checks"), own)


@cache
def _load(root: Path, own: tuple[Path, ...]) -> Rulebook:
    algorithms = {name: _algorithm(name, table) for name, table in _read(root / "algorithms.toml").items()}
    book = _with(Rulebook(algorithms, {}, {}, {}), root, _CODE)
    for extra in own:
        _only_rules(extra)
        book = _with(book, extra, OWN_CODE)
    return book


def _with(book: Rulebook, root: Path, code: re.Pattern[str]) -> Rulebook:
    """Return the rulebook with the rules below ``root`` added."""
    metrics, signs, diagnoses = dict(book.metrics), dict(book.signs), dict(book.diagnoses)
    dictionary = root / "metrics.toml"
    for name, table in _read(dictionary).items() if code is _CODE or dictionary.is_file() else ():
        if name in metrics:
            raise UsageError(f"{dictionary}: the metric {name!r} is known already.", "Give yours another name.")
        metrics[name] = _metric(name, table, dictionary)
    known = set(metrics) | set(derived_metrics())
    for path in sorted((root / "signs").rglob("*.toml")):
        sign = _sign(path, known, book.algorithms, code)
        if sign.code in signs:
            raise UsageError(f"{path}: the code {sign.code} is taken by {signs[sign.code].file.name}.")
        named = next((other for other in signs.values() if other.name == sign.name), None)
        if named is not None:
            raise UsageError(f"{path}: the name {sign.name} is that of {named.code}.", "Give yours another name.")
        signs[sign.code] = sign
    for path in sorted((root / "diagnoses").glob("*.toml")):
        rule = _diagnosis(path, signs, book.algorithms)
        if rule.name in diagnoses:
            raise UsageError(f"{path}: the diagnosis {rule.name} is known already.", "Give yours another name.")
        diagnoses[rule.name] = rule
    return Rulebook(book.algorithms, metrics, signs, diagnoses)


def _only_rules(root: Path) -> None:
    """Refuse a file of the user's that nobody would read, and a folder without any that somebody would."""
    read = (
        "metrics.toml",
        "signs/**/*.toml",
        "diagnoses/*.toml",
        "tags/*.toml",
        "names/*.toml",
        "preflight/environments/*.toml",
    )
    known = {path for pattern in read for path in root.glob(pattern)}
    for path in sorted(root.rglob("*.toml")):
        if path not in known:
            raise UsageError(f"{path} lies where no rule is read.", f"Rules lie in {', '.join(read)}.")
    if not known:
        raise UsageError(f"The folder {root} holds no rules.", f"They lie in {', '.join(read)}.")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomli.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"The rule file {path} cannot be read: {error}.") from None


def _in_words(load: Callable[Concatenate[Path, _Rest], _Rule]) -> Callable[Concatenate[Path, _Rest], _Rule]:
    """Tell of a value that is of another kind than is meant, wherever in a rule file it stands, by the file's name."""

    @functools.wraps(load)
    def loaded(path: Path, /, *rest: _Rest.args, **more: _Rest.kwargs) -> _Rule:
        try:
            return load(path, *rest, **more)
        except (TypeError, ValueError, AttributeError, LookupError, OverflowError) as error:
            raise UsageError(f"{path}: a value is not of the kind that is meant there: {error}.") from error

    return loaded


def _only(keys: Iterable[str], allowed: Iterable[str], path: Path, where: str = "") -> None:
    for key in keys:
        if key not in set(allowed):
            raise UsageError(f"{path}: unknown key {where}{key!r}.", near(key, allowed))


def _text(data: Mapping[str, Any], key: str, path: Path) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{path}: the key {key!r} must be a text that is not empty.")
    return " ".join(value.split())


def _algorithm(name: str, table: Any) -> Algorithm:
    path = Path("checks/algorithms.toml")
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {name!r} must be a table.")
    _only(table, _ALGORITHM_KEYS, path, f"{name}.")
    texts = {key: _text(table, key, path) for key in ("title", "what", "source")}
    return Algorithm(name=name, limits=" ".join(str(table.get("limits", "")).split()), **texts)


def _algorithms(data: Mapping[str, Any], path: Path, known: Iterable[str]) -> tuple[str, ...]:
    """Return the algorithms that a rule names."""
    named = data.get("algorithms", [])
    if not isinstance(named, list):
        raise UsageError(f"{path}: algorithms = {named!r} must be a list of names.")
    for name in named:
        if name not in set(known):
            raise UsageError(f"{path}: algorithms names {name!r}, which is not known.", near(str(name), known))
    return tuple(named)


def _metric(name: str, table: Any, path: Path) -> Metric:
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {name!r} must be a table.")
    _only(table, _METRIC_KEYS, path, f"{name}.")
    texts = {key: _text(table, key, path) for key in _METRIC_KEYS - {"how_to_log", "unit"}}
    return Metric(name=name, unit=str(table.get("unit", "")), how_to_log=str(table.get("how_to_log", "")), **texts)


@_in_words
def _sign(path: Path, metrics: set[str], algorithms: Iterable[str], allowed: re.Pattern[str]) -> Sign:
    data = _read(path)
    _only(data, _SIGN_KEYS, path)
    code, name = _text(data, "code", path), _text(data, "name", path)
    if not allowed.match(code):
        families = "RET UPD VAL EXP NUM LOG SPD" if allowed is _CODE else f"of your own, none of {' '.join(FAMILIES)}"
        raise UsageError(f"{path}: code {code!r} must be a family ({families}) and three digits.")
    if path.name != f"{code}-{name}.toml":
        raise UsageError(f"{path}: the file must be called {code}-{name}.toml, as its code and name say.")
    _filled_in(_text(data, "says", path), path)
    severity = data.get("severity")
    if severity not in set(Severity):
        raise UsageError(f"{path}: severity = {severity!r} is not known.", f"Allowed: {', '.join(Severity)}.")
    outcome = data.get("outcome", "")
    if outcome not in ("", "harmed", "fine"):
        raise UsageError(f"{path}: outcome = {outcome!r} is not known.", "Allowed: harmed, fine.")
    conditions = tuple(_condition(item, path, metrics) for item in _tables(data, "when", path))
    examples = tuple(_example(item, path, metrics) for item in _tables(data, "example", path))
    if {example.fires for example in examples} != {True, False}:
        raise UsageError(f"{path}: needs an [[example]] that fires and one that stays silent.")
    return Sign(
        code=code,
        name=name,
        severity=Severity(severity),
        reassuring=data.get("reassuring") is True,
        algorithms=_algorithms(data, path, algorithms),
        outcome=outcome,
        when=conditions,
        examples=examples,
        file=path,
        **{key: _text(data, key, path) for key in _SIGN_TEXTS},
    )


def _filled_in(says: str, path: Path) -> None:
    words = {"observed": 1.0, "expected": "below 1", "first_step": 0, "last_step": 1, "text": ""}
    try:
        says.format_map(words)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: says = {says!r} cannot be filled in: {error!r}.", f"It may name {', '.join(words)}."
        ) from None


def _tables(data: Mapping[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    value = data.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise UsageError(f"{path}: needs at least one [[{key}]].")
    return value


def _condition(data: dict[str, Any], path: Path, metrics: set[str]) -> Condition:
    verb = str(data.get("verb"))
    if verb not in DETECTORS:
        raise UsageError(f"{path}: when.verb = {verb!r} is not known.", near(verb, DETECTORS))
    kind = DETECTORS[verb]
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    _only((key for key in data if key != "verb"), fields, path, "when.")
    values = {key: _value(value, hints[key], f"{path}: when.{key}") for key, value in data.items() if key != "verb"}
    for key in ("metric", "beside"):
        if key in fields and verb != "recorded" and values.get(key) not in metrics:
            raise UsageError(
                f"{path}: when.{key} = {values.get(key)!r} is no metric.", near(str(values.get(key)), metrics)
            )
    for metric in values.get("nor", ()):
        if metric not in metrics:
            raise UsageError(f"{path}: when.nor names {metric!r}, which is no metric.", near(metric, metrics))
    if values.get("over", "median") not in STATISTICS:
        raise UsageError(f"{path}: when.over = {values['over']!r} is not known.", near(str(values["over"]), STATISTICS))
    return kind(**values)


def _value(value: Any, hint: Any, where: str) -> Any:
    """Check one value of a condition against the type of the verb's field."""
    if hint == tuple[float, float]:
        numbers = value if isinstance(value, list) else []
        if len(numbers) != 2 or any(isinstance(n, bool) or not isinstance(n, (int, float)) for n in numbers):
            raise UsageError(f"{where} = {value!r} must be two numbers.")
        if numbers[0] == numbers[1]:
            raise UsageError(f"{where} = {value!r} must be two different numbers.")
        return (float(numbers[0]), float(numbers[1]))
    if hint == tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise UsageError(f"{where} = {value!r} must be a list of names.")
        return tuple(value)
    kinds = {float: (int, float), float | None: (int, float), str: (str,), bool: (bool,)}
    if not isinstance(value, kinds[hint]) or (isinstance(value, bool) and hint is not bool):
        raise UsageError(f"{where} = {value!r} must be of type {getattr(hint, '__name__', 'float')}.")
    return value


def _example(data: dict[str, Any], path: Path, metrics: set[str]) -> Example:
    _only(data, _EXAMPLE_KEYS, path, "example.")
    curves = data.get("curves")
    if not isinstance(curves, dict) or not curves or not isinstance(data.get("fires"), bool):
        raise UsageError(f"{path}: an [[example]] needs fires = true or false and a table of curves.")
    for metric, points in curves.items():
        if metric not in metrics:
            raise UsageError(f"{path}: example.curves.{metric} is no metric.", near(metric, metrics))
        if not isinstance(points, list) or not points:
            raise UsageError(f"{path}: example.curves.{metric} must be a list of numbers.")
    return Example(
        fires=data["fires"],
        why=_text(data, "why", path),
        curves={metric: tuple(float(point) for point in points) for metric, points in curves.items()},
        points=int(data.get("points", 40)),
        last_step=int(data.get("last_step", 100_000)),
        reference=str(data.get("reference", "")),
        record={str(key): str(value) for key, value in data.get("record", {}).items()},
        algorithm=str(data.get("algorithm", "")),
    )


@_in_words
def _diagnosis(path: Path, signs: Mapping[str, Sign], algorithms: Iterable[str]) -> DiagnosisRule:
    data = _read(path)
    _only(data, _DIAGNOSIS_KEYS, path)
    if _text(data, "name", path) != path.stem:
        raise UsageError(f"{path}: name = {data['name']!r} must be the file's name, {path.stem!r}.")
    weights = data.get("weights", {})
    for code, weight in weights.items():
        if code not in signs:
            raise UsageError(f"{path}: weights.{code} names no sign.", near(code, signs))
        if isinstance(weight, bool) or not isinstance(weight, (int, float)):
            raise UsageError(f"{path}: weights.{code} = {weight!r} must be a number.")
    typical = data.get("typical", [])
    for code in typical if isinstance(typical, list) else [typical]:
        if not weights.get(code, 0.0) > 0:
            raise UsageError(f"{path}: typical names {code!r}, which has no positive weight.", near(str(code), weights))
    excluded_by = data.get("excluded_by", [])
    for code in excluded_by if isinstance(excluded_by, list) else [excluded_by]:
        if not weights.get(code, 0.0) < 0:
            raise UsageError(
                f"{path}: excluded_by names {code!r}, which has no negative weight.", near(str(code), weights)
            )
    return DiagnosisRule(
        name=path.stem,
        change=changes(data, path),
        confirmed_by=confirmed_by(data, path),
        next_test=" ".join(str(data.get("next_test", "")).split()),
        algorithms=_algorithms(data, path, algorithms),
        bias=float(data.get("bias", 0.0)),
        beside=data.get("beside") is True,
        typical=tuple(typical),
        excluded_by=tuple(excluded_by),
        weights={code: float(weight) for code, weight in weights.items()},
        file=path,
        **{key: _text(data, key, path) for key in ("title", "what", "remedy", "source")},
    )
