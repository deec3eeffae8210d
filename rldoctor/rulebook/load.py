"""Read the rulebook, and refuse a bad file with its name, the key and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replace_book
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from msgspec import Struct, structs
from msgspec.structs import replace

from rldoctor import datafile
from rldoctor.caches.compiled import compiled
from rldoctor.datafile import Finite
from rldoctor.errors import UsageError, near
from rldoctor.hyperparameters import SETTINGS
from rldoctor.model.website import FAMILIES
from rldoctor.rulebook.case import derived_metrics
from rldoctor.rulebook.detectors.crash import FirstMover
from rldoctor.rulebook.detectors.detector import Condition
from rldoctor.rulebook.detectors.log import Missing, NotBelow, Recorded
from rldoctor.rulebook.detectors.terms import FallsAgainst, OfFamilies
from rldoctor.rulebook.families import FAMILIES_OF_METRICS
from rldoctor.rulebook.schema import ALL_SETTINGS, RENAMED, Algorithm, DiagnosisRule, Metric, Sign, WitnessRule
from rldoctor.settings.signs import setting_signs

_CODE = re.compile(r"(RET|UPD|VAL|EXP|NUM|LOG|SPD)\d{3}$")
OWN_CODE = re.compile(rf"(?!{'|'.join(FAMILIES)})[A-Z]{{3}}\d{{3}}$")
_OWN_FILES = (
    *("metrics.toml", "weights.toml", "signs/**/*.toml", "diagnoses/*.toml"),
    *("tags/**/*.toml", "names/**/*.toml", "preflight/environments/*.toml"),
)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Rulebook:
    """Everything that rldoctor knows, by name."""

    algorithms: Mapping[str, Algorithm]
    metrics: Mapping[str, Metric]
    signs: Mapping[str, Sign]
    diagnoses: Mapping[str, DiagnosisRule]
    witnesses: Mapping[str, WitnessRule] = field(default_factory=dict)
    """What witnesses other than the logs may observe: ``CODE-observation`` to what that says."""
    weights_of: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    """Family of algorithms to the biases and the weights of signs by which its runs are judged."""
    by_algorithm: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Algorithm to :class:`~rldoctor.rulebook.applicable.Applicable`, as far as it has been worked out."""


def load_rulebook(folder: Path | None = None, own: tuple[Path, ...] = ()) -> Rulebook:
    """Read the rules below ``folder``, the shipped ``checks/`` by default, and those of the user's ``own`` folders.

    A folder of the user's has the layout of ``checks/``: ``signs/**``, ``diagnoses/*.toml`` and ``metrics.toml``, each
    of which may be missing (``tags/`` and ``preflight/environments/`` are read where logs and environments are). It
    adds rules and replaces none: a code, a name or a metric that exists already is refused, and the codes of signs are
    of a family of their own, so that no later version of rldoctor can use the same one.

    Raises:
        UsageError: A file is not valid; the message names file, key and what is allowed.
    """
    return _load(folder or datafile.folder("checks"), own)


class _Parts(Struct, frozen=True):
    """A rulebook as it is kept: its parts."""

    algorithms: dict[str, Algorithm]
    metrics: dict[str, Metric]
    signs: dict[str, Sign]
    diagnoses: dict[str, DiagnosisRule]
    witnesses: dict[str, WitnessRule]
    weights_of: dict[str, dict[str, dict[str, float]]]


@cache
def _load(root: Path, own: tuple[Path, ...]) -> Rulebook:
    is_shipped = root == datafile.folder("checks")
    parts = compiled("rulebook", _Parts, lambda: _read(root)) if is_shipped else _read(root)
    book = Rulebook(**structs.asdict(parts))
    for extra in own:
        _require_rules(extra)
        book = _with(book, extra, OWN_CODE)
    return book


def _read(root: Path) -> _Parts:
    """Read the rules below a folder that has all of them."""
    algorithms = _rules(root / "algorithms.toml", dict[str, Algorithm])
    book = _with(Rulebook(algorithms, {}, {}, {}), root, _CODE)
    book = replace_book(book, weights_of=_weights_of_families(book, root))
    return _Parts(*(getattr(book, name) for name in _Parts.__struct_fields__))


def _with(book: Rulebook, root: Path, code: re.Pattern[str]) -> Rulebook:
    """Return the rulebook with the rules below ``root`` added."""
    metrics, signs, diagnoses = dict(book.metrics), dict(book.signs), dict(book.diagnoses)
    witnesses = {**book.witnesses, **dict(_witnesses(root / "preflight" / "evidence.toml"))}
    if code is _CODE:
        witnesses |= {**_of_settings(), **_of_models(root / "model_signs.toml")}
    file = root / "metrics.toml"
    for name, metric in _rules(file, dict[str, Metric]).items() if code is _CODE or file.is_file() else ():
        if name in metrics:
            raise UsageError(f"{file}: the metric {name!r} exists already.", "Give yours another name.")
        metrics[name] = metric
    known = {*metrics, *derived_metrics()}
    for path in sorted((root / "signs").rglob("*.toml")):
        sign = _sign(path, known, book.algorithms, code)
        if sign.code in signs:
            raise UsageError(f"{path}: the code {sign.code} is taken by {signs[sign.code].file.name}.")
        named = next((other for other in signs.values() if other.name == sign.name), None)
        if named is not None:
            raise UsageError(f"{path}: the name {sign.name} is that of {named.code}.", "Give yours another name.")
        signs[sign.code] = sign
    _require_explained(signs)
    file = root / "weights.toml"
    weights = _rules(file, dict[str, dict[str, Finite]]) if file.is_file() else {}
    paths = sorted((root / "diagnoses").glob("*.toml"))
    _require_known(weights, [path.stem for path in paths], str(file), "diagnosis")
    for path in paths:
        rule = _diagnosis(path, {*signs, *witnesses}, book.algorithms, weights.get(path.stem, {}))
        if rule.name in diagnoses:
            raise UsageError(f"{path}: the diagnosis {rule.name} exists already.", "Give yours another name.")
        diagnoses[rule.name] = rule
    for key, witness in witnesses.items():
        _require_known((*witness.supports, *witness.contradicts), diagnoses, f"The evidence {key}", "diagnosis")
    return Rulebook(book.algorithms, metrics, signs, diagnoses, witnesses, book.weights_of)


def _weights_of_families(book: Rulebook, root: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Read the weights of each family of algorithms that has its own."""
    found = {}
    for family in sorted({algorithm.family for algorithm in book.algorithms.values()} - {""}):
        file = root / f"weights_{family}.toml"
        found[family] = _rules(file, dict[str, dict[str, Finite]])
        _require_known(found[family], book.diagnoses, str(file), "diagnosis")
        for name, weights in found[family].items():
            _require_known(weights, {*book.signs, *book.witnesses, "bias"}, f"{file}: {name}", "sign")
    return found


def _of_settings() -> dict[str, WitnessRule]:
    """Return what settings far from what is usual, and usual ones, say about causes."""
    signs = setting_signs().values()
    unusual = {f"{sign.code}-{sign.name}": WitnessRule(supports=sign.causes) for sign in signs}
    return unusual | {f"{sign.code}-passed": WitnessRule(contradicts=sign.cleared) for sign in signs if sign.cleared}


def _of_models(path: Path) -> dict[str, WitnessRule]:
    """Return what a saved model that is out of the ordinary, and one that is not, say about causes."""
    signs = datafile.read_toml(path, "list of signs") if path.is_file() else {}
    unusual = {f"{code}-{sign['name']}": WitnessRule(supports=tuple(sign["causes"])) for code, sign in signs.items()}
    cleared = {code: tuple(sign["cleared"]) for code, sign in signs.items() if sign.get("cleared")}
    return unusual | {f"{code}-passed": WitnessRule(contradicts=causes) for code, causes in cleared.items()}


def _witnesses(path: Path) -> Iterator[tuple[str, WitnessRule]]:
    """Yield what the findings of preflight, and the checks that find nothing, say about causes."""
    for code, observations in _rules(path, dict[str, dict[str, WitnessRule]]).items() if path.is_file() else ():
        yield from ((f"{code}-{name}", rule) for name, rule in observations.items())


def _rules(path: Path, kind: type[_T]) -> _T:
    """Read one file; its texts may be broken into lines anywhere."""
    return datafile.check(
        _folded(datafile.read_toml(path, "rule file")), kind, str(path), renamed=RENAMED.get(kind, {})
    )


def _folded(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, dict):
        return {key: _folded(item) for key, item in value.items()}
    return [_folded(item) for item in value] if isinstance(value, list) else value


def _require_rules(root: Path) -> None:
    """Refuse a file of the user's that would not be read, and a folder without any that would."""
    known = {path for pattern in _OWN_FILES for path in root.glob(pattern)}
    for path in sorted(root.rglob("*.toml")):
        if path not in known:
            raise UsageError(f"{path} is in a place where no rule is read.", f"Rules are in {', '.join(_OWN_FILES)}.")
    if not known:
        raise UsageError(f"The folder {root} holds no rules.", f"Rules are in {', '.join(_OWN_FILES)}.")


def _require_known(names: Collection[str], known: Collection[str], where: str, what: str) -> None:
    """Refuse a name of something that does not exist.

    Raises:
        UsageError: There is one; the message offers the nearest.
    """
    for name in names:
        if name not in known:
            raise UsageError(f"{where} names {name!r}, which is no {what}.", near(name, known))


def _sign(path: Path, metrics: Collection[str], algorithms: Collection[str], allowed: re.Pattern[str] = _CODE) -> Sign:
    """Read a sign, and refuse one whose parts do not fit together or name what does not exist."""
    sign = replace(_rules(path, Sign), file=path)
    if not allowed.match(sign.code):
        families = "RET UPD VAL EXP NUM LOG SPD" if allowed is _CODE else f"of your own, none of {' '.join(FAMILIES)}"
        raise UsageError(f"{path}: code {sign.code!r} must be a family ({families}) and three digits.")
    if path.name != f"{sign.code}-{sign.name}.toml":
        raise UsageError(f"{path}: the file must be called {sign.code}-{sign.name}.toml, as its code and name say.")
    words = {"observed": 1.0, "expected": "below 1", "first_step": 0, "last_step": 1, "text": "", "subject": ""}
    try:
        sign.message.format_map(words)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: message = {sign.message!r} cannot be filled in: {error!r}.", f"It may name {', '.join(words)}."
        ) from None
    for condition in sign.when:
        for key, metric in _metrics(condition):
            _require_known([metric], metrics, f"{path}: when.{key}", "metric")
    for example in sign.examples:
        plain = [name for name in example.curves if name.partition("/")[0] not in FAMILIES_OF_METRICS]
        _require_known(plain, metrics, f"{path}: example.curves", "metric")
    if {example.fires for example in sign.examples} != {True, False}:
        raise UsageError(f"{path}: needs an [[example]] that fires and one that stays silent.")
    _require_known(sign.algorithms, algorithms, f"{path}: algorithms", "algorithm")
    return sign


def _require_explained(signs: Mapping[str, Sign]) -> None:
    """Refuse a sign that accounts for one that does not exist."""
    for sign in signs.values():
        _require_known(sign.explains, signs, f"{sign.file}: explains", "sign")


def _metrics(condition: Condition) -> Iterator[tuple[str, str]]:
    """Yield the metrics that a condition names, each with its key."""
    if not isinstance(condition, (Recorded, NotBelow, OfFamilies, FirstMover)):
        yield "metric", condition.metric
    if isinstance(condition, FallsAgainst):
        yield "other", condition.other
    if isinstance(condition, Missing):
        yield from (("logged", condition.logged), *(("alternatives", metric) for metric in condition.alternatives))


def _diagnosis(
    path: Path, signs: Collection[str], algorithms: Collection[str], weights: Mapping[str, float] = MappingProxyType({})
) -> DiagnosisRule:
    """Read a diagnosis, and refuse one whose parts do not fit together or name what does not exist.

    ``weights``, with the bias among them, take the place of those in the file.
    """
    rule = replace(_rules(path, DiagnosisRule), file=path)
    if weights:
        others = {code: weight for code, weight in weights.items() if code != "bias"}
        rule = replace(rule, bias=weights.get("bias", 0.0), weights=others)
    if rule.name != path.stem:
        raise UsageError(f"{path}: name = {rule.name!r} must be the file's name, {path.stem!r}.")
    for key in ("weights", "hallmarks", "excluded_by"):
        _require_known(getattr(rule, key), signs, f"{path}: {key}", "sign")
    _require_known(rule.algorithms, algorithms, f"{path}: algorithms", "algorithm")
    changed = [name for change in rule.change for name in change.algorithms]
    _require_known(changed, algorithms, f"{path}: change.algorithms", "algorithm")
    settings = [change.setting for change in rule.change if change.setting != ALL_SETTINGS]
    _require_known(settings, SETTINGS, f"{path}: change.setting", "setting")
    for key, codes, side in (("hallmarks", rule.hallmarks, 1), ("excluded_by", rule.excluded_by, -1)):
        for code in codes:
            if rule.ranked and side * rule.weights.get(code, 0.0) <= 0:
                kind = "positive" if side > 0 else "negative"
                raise UsageError(f"{path}: {key} names {code!r}, which has no {kind} weight.", near(code, rule.weights))
    return rule
