"""What is told of robots' logs and of trainings that broke: python -m benchmarks.robots, which writes docs/robots.md

Twelve stories and twelve healthy look-alikes (tests/robots), ten seeds each, and the recorded trainings that broke
(benchmarks.frameworks.crash_runs and rsl_rl_terms, tests/strangers/frameworks). About half a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks import DOCS
from benchmarks.strangers import table
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import Run, Severity, Verdict
from rldoctor.rulebook.movers import movers, told
from tests.diagnosis.strangers import Stranger, strangers
from tests.robots.look_alikes import LOOK_ALIKES
from tests.robots.stories import STORIES

DOCUMENT = DOCS / "robots.md"
SEEDS = range(200, 210)


def words(story: Callable[[int], Run]) -> str:
    return (story.__doc__ or "").rstrip(".")


def silent(run: Run) -> bool:
    """Return whether a run is called healthy, and nothing but notes is said of it."""
    subject = diagnose_run(run)
    return subject.verdict is Verdict.HEALTHY and all(found.severity is Severity.NOTE for found in subject.findings)


def right(run: Run, causes: Sequence[str]) -> bool:
    """Return whether a run is suspect or sick and one of the causes is the first; without causes, whether it is healthy."""
    if not causes:
        return silent(run)
    subject = diagnose_run(run)
    return subject.verdict in (Verdict.SICK, Verdict.SUSPECT) and subject.diagnoses[0].name in causes


def stories() -> tuple[str, int]:
    """Return the table of stories, and how many are right with every seed."""
    rows, whole = [], 0
    for name, (story, causes) in STORIES.items():
        count = sum(right(story(seed), causes) for seed in SEEDS)
        whole += count == len(SEEDS)
        rows.append((name, words(story), ", ".join(causes) or "healthy", f"{count} of {len(SEEDS)}"))
    return table(("story", "what happens", "first cause", "right"), rows), whole


def look_alikes() -> tuple[str, int]:
    """Return the table of look-alikes, and how many are silent with every seed."""
    rows, whole = [], 0
    for name, story in LOOK_ALIKES.items():
        count = sum(silent(story(seed)) for seed in SEEDS)
        whole += count == len(SEEDS)
        rows.append((name, words(story), f"{count} of {len(SEEDS)}"))
    return table(("look-alike", "what happens", "silent"), rows), whole


def crashes() -> tuple[Stranger, ...]:
    """Return the recorded trainings of which it is known what left its own band first."""
    return tuple(stranger for stranger in strangers() if stranger.label.get("first"))


def named(stranger: Stranger) -> bool:
    """Return whether the first mover is what it should be."""
    found = movers(read_run(stranger.folder))
    return bool(found) and found[0].metric.startswith(tuple(stranger.label["first"]))


def crash_table() -> tuple[str, int, int]:
    """Return the table of trainings that broke, how many first movers are right, and how many there are."""
    rows, whole = [], 0
    for stranger in crashes():
        good = named(stranger)
        whole += good
        said = told(movers(read_run(stranger.folder)), 3) or "nothing"
        label = stranger.label
        rows.append((f"{label['framework']}, {label['algorithm']}", label["fault"], said, "yes" if good else "**no**"))
    return table(("library", "what is wrong", "left its own band", "right?"), rows), whole, len(rows)


def main() -> None:
    told_stories, whole_stories = stories()
    told_alike, whole_alike = look_alikes()
    told_crashes, good, all_of_them = crash_table()
    text = f"""# Robots' logs

What the diagnosis says of terms of the reward, of reasons for which episodes ended, of curricula, and of trainings that broke.
Reproduce with `python -m benchmarks.robots`. Which tags of which library are known is in [strangers.md](strangers.md).

## Twelve stories

Made up as rough models of a legged robot's training, logged as Isaac Lab and rsl_rl do, drawn anew for each of {len(SEEDS)} seeds: lengths,
noise and the sizes of the terms. Right: suspect or sick with that cause first; of a healthy one, healthy and nothing but notes.
{whole_stories} of {len(STORIES)} are right with every seed. They were made by the authors of the signs: they show that each story is recognised, not how
often trainings of strangers are.

{told_stories}

## Twelve look-alikes

Healthy, and as like to one of the stories as healthy trainings get. {whole_alike} of {len(LOOK_ALIKES)} are silent with every seed.

{told_alike}

## Trainings that broke

Recorded with the libraries as they are. What had to be the first to leave its own band was written down before the training
(`first` in `label.json`, from `benchmarks/frameworks/crash_runs.py`, `rl_games_runs.py` and `rsl_rl_terms.py`). {good} of {all_of_them} first movers are right.

{told_crashes}
"""
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
