"""What keeps the code readable: floors, sizes, imports, public names, data that is whole."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rldoctor
from rldoctor import datafile
from rldoctor.cli.app import COMMANDS
from rldoctor.examination.tie_tests import tie_tests
from rldoctor.explain import pages
from rldoctor.preflight.checks import all_checks
from rldoctor.recipe import CRITERIA
from rldoctor.sb3.model_signs import model_signs
from rldoctor.settings.signs import setting_signs

ROOT = Path(__file__).resolve().parent.parent
MODULES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in (ROOT / "rldoctor").rglob("*.py")}
# Still longer than a module may be; the list may only get shorter.
LONG = {
    "benchmarks/off_policy/train.py",
    "benchmarks/treatment.py",
    "tests/preflight/broken_environments.py",
    "tests/preflight/kinds_of_ends.py",
    "tests/preflight/kinds_of_goals.py",
    "tests/preflight/kinds_of_limits.py",
    "tests/preflight/kinds_of_relations.py",
    "tests/preflight/kinds_of_views.py",
    "tests/preflight/peers_suites.py",
}
# Public: users' CI and reports use these names.
DIAGNOSES = [
    "learning-rate-too-high",
    "updates-too-aggressive",
    "updates-too-small",
    "policy-collapsed",
    "entropy-too-high",
    "reward-scale-too-large",
    "reward-scale-too-small",
    "critic-not-learning",
    "reward-uninformative",
    "reward-misaligned",
    "sparse-reward",
    "environment-misconfigured",
    "goal-not-observed",
    "observations-uninformative",
    "observations-unscaled",
    "actions-without-effect",
    "task-unreachable",
    "success-signal-broken",
    "update-direction-wrong",
    "performance-collapse",
    "non-finite-values",
    "plateau-below-target",
    "too-short-to-judge",
    "mixed-runs",
    "missing-metrics",
    "slow-training",
]


def test_imports_go_down_the_floors_and_heavy_packages_stay_where_they_are_used():
    command = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_there_are_few_floors():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (floors,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert len(floors) <= 11


def test_no_folder_and_no_module_is_too_large():
    folders = [Path(name).parent.as_posix() for name in MODULES if not name.endswith("__init__.py")]
    crowded = {folder for folder in folders if folders.count(folder) > 15}
    # One file for each command.
    assert crowded <= {"rldoctor/cli"}
    decisions = "".join(path.read_text("utf-8") for path in (ROOT / "docs" / "decisions").glob("*.md"))
    long = [name for name, text in MODULES.items() if len(text.splitlines()) > 300 and name not in decisions]
    assert not long, "split it, or say in docs/decisions/ why it is one"


def test_no_module_of_benchmarks_and_tests_is_too_large():
    files = [path for folder in ("benchmarks", "tests") for path in (ROOT / folder).rglob("*.py")]
    long = {path.relative_to(ROOT).as_posix() for path in files if len(path.read_text("utf-8").splitlines()) > 300}
    assert not long - LONG, "split it by subject"


def test_words_of_our_own_do_not_come_back():
    """The field has words for these; a key of the JSON report, in quotes, is left as it was published."""
    words = r"mend(s|ed)?|told by|held against|patients?|hasten\w*|crew|yardsticks?|wish(es)?|troubles?|vouch\w*"
    ours = re.compile(rf"(?<![\"'])\b({words})\b", re.IGNORECASE)
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "rldoctor").rglob("*.py")]
    found = {
        path.relative_to(ROOT).as_posix(): match[0]
        for path in pages
        for match in ours.finditer(path.read_text("utf-8"))
    }
    assert not found


def test_our_own_packages_are_not_imported_by_string():
    """An import that import-linter cannot see; only a package may find its own modules like that."""
    for name, text in MODULES.items():
        package = name.rpartition("/")[0].replace("/", ".")
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            function = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if function in ("import_module", "__import__"):
                first = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
                module = first.value if isinstance(first, ast.Constant) else ""
                assert not module.startswith("rldoctor") or module.startswith(package), (name, module)


def test_the_version_is_that_of_the_distribution():
    assert rldoctor.__version__ == importlib.metadata.version("rldoctor-kit")


def test_every_command_that_the_readme_shows_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.findall(r"```.*?```|`[^`]+`", text, re.DOTALL)
    shown = [word for piece in code for word in re.findall(r"(?:^|[`$\n] ?|&& |-m )rldoctor ([a-z]+)", piece)]
    assert set(shown) <= set(COMMANDS)


@pytest.mark.parametrize("word", COMMANDS)
def test_every_command_helps_itself(word, capsys):
    from rldoctor.cli.app import run

    assert run([word, "--help"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert f"rldoctor {word}" in page or f" {word} " in page


@pytest.mark.parametrize("name", DIAGNOSES)
def test_every_public_diagnosis_is_known(name):
    assert (datafile.folder("checks") / "diagnoses" / f"{name}.toml").is_file()
    assert pages.look_up(name).sections


def test_codes_are_used_once_and_follow_the_form():
    signs = [path.name[:6] for path in (datafile.folder("checks") / "signs").rglob("*.toml")]
    codes = [
        *signs,
        *(check.code for check in all_checks()),
        *pages._table("codes.toml"),
        *setting_signs(),
        *model_signs(),
        *tie_tests(),
    ]
    assert len(codes) == len(set(codes))
    for code in codes:
        assert re.fullmatch(r"(ENV|SYS|RET|UPD|VAL|EXP|NUM|LOG|SPD|EVL|SET|CMP|MDL|TST|PRB)\d{3}", code), code


def test_every_code_of_the_gate_can_be_explained():
    for code in ["EVL001", "EVL201", *(code for code, _, _ in CRITERIA.values())]:
        assert pages.look_up(code).sections


def test_the_package_is_typed_and_has_no_data_of_its_own():
    package = Path(rldoctor.__file__).parent
    assert not [path for path in package.rglob("*.toml") if "_shipped" not in path.parts]
    for folder in ("checks", "reference_curves"):
        assert not list(datafile.folder(folder).rglob("*.py"))


def test_no_text_holds_both_sides_of_a_merge():
    texts = [*ROOT.glob("*.md"), *(path for name in ("docs", "checks") for path in (ROOT / name).rglob("*.*"))]
    left = [
        path.name
        for path in texts
        if path.suffix in (".md", ".toml") and re.search(r"^[<>]{7} ", path.read_text("utf-8"), re.M)
    ]
    assert (left, len(texts) > 300) == ([], True)
