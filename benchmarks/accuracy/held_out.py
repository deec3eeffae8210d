"""The ways of holding out: every run is judged with weights fitted without it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

from benchmarks.accuracy.answers import Answer, answer_for
from benchmarks.corpus import RecordedRun
from benchmarks.fit_weights.book import fitted_book
from benchmarks.fit_weights.signs import fit, with_weights
from rldoctor.rulebook import Rulebook, load_rulebook

FOLDS = 10


def held_out(
    corpus: Sequence[RecordedRun],
    groups: Mapping[int, Hashable],
    folds: int = 0,
    use_references: bool = True,
) -> dict[bool, list[Answer]]:
    """Diagnose runs with weights fitted on the runs of other groups: by plain scalars (True), by all (False).

    Args:
        corpus: All runs.
        groups: Place in ``corpus`` to the group that is left out together; a run without one only teaches.
        folds: Groups are put together into so many folds; 0 for each by itself.
        use_references: Whether bands may be used.
    """
    answers: dict[bool, list[Answer]] = {True: [], False: []}
    for place, book in fitted_for_folds(corpus, groups, folds, by_logs).items():
        recorded = corpus[place]
        answers[True].append(answer_for(recorded.without_doctor(), book, use_references))
        answers[False].append(answer_for(recorded, book, use_references))
    return answers


def by_logs(book: Rulebook, corpus: Sequence[RecordedRun]) -> Rulebook:
    """Return the rulebook with the weights of signs fitted on ``corpus``; other witnesses are not asked here."""
    return with_weights(book, fit(book, corpus))


def fitted_for_folds(
    corpus: Sequence[RecordedRun],
    groups: Mapping[int, Hashable],
    folds: int = 0,
    fitted: Callable[[Rulebook, Sequence[RecordedRun]], Rulebook] = fitted_book,
) -> dict[int, Rulebook]:
    """Return for each run of a group the rulebook with weights fitted on the runs of the other folds.

    Args:
        corpus: All runs.
        groups: As in :func:`held_out`.
        folds: As in :func:`held_out`.
        fitted: Fits a rulebook on runs.
    """
    book = load_rulebook()
    names = sorted({str(group) for group in groups.values()})
    folds = folds or len(names)
    fold = {place: names.index(str(group)) % folds for place, group in groups.items()}
    books = [
        fitted(book, [p for place, p in enumerate(corpus) if fold.get(place) != number]) for number in range(folds)
    ]
    return {place: books[number] for place, number in sorted(fold.items(), key=lambda item: (item[1], item[0]))}


def single_runs(corpus: Sequence[RecordedRun]) -> dict[int, Hashable]:
    """Return the fold of each run, as if each were held out by itself.

    Neighbours by name are alike, and dealt to different folds: of two runs that differ in their seed alone one teaches
    while the other is asked.
    """
    ordered = sorted(range(len(corpus)), key=lambda place: corpus[place].name)
    return {place: f"{i % FOLDS:02d}" for i, place in enumerate(ordered)}


def ways_of_leaving_out(corpus: Sequence[RecordedRun]) -> dict[str, dict[bool, list[Answer]]]:
    """Return the answers for each way in which weights can be ignorant of a run."""
    runs = single_runs(corpus)
    healthy: dict[int, Hashable] = {i: f"{runs[i]}" for i, p in enumerate(corpus) if not p.fault}

    def sick(group: Callable[[RecordedRun], str], among: Callable[[RecordedRun], str]) -> dict[int, Hashable]:
        """Group the sick runs that have a companion which ``group`` tells apart from them."""
        kinds: dict[str, set[str]] = {}
        for p in corpus:
            kinds.setdefault(among(p), set()).add(group(p))
        return {i: group(p) for i, p in enumerate(corpus) if p.fault and len(kinds[among(p)]) > 1}

    where = "{0.env} {0.fault}".format
    return {
        "single runs": held_out(corpus, runs),
        "other seeds": held_out(
            corpus, sick(lambda p: f"{where(p)} {p.severity} {p.seed}", lambda p: f"{where(p)} {p.severity}"), 8
        ),
        "other severities": held_out(corpus, sick(lambda p: f"{p.fault} {p.severity}", where), 8),
        "whole faults": held_out(corpus, {i: p.fault or healthy[i] for i, p in enumerate(corpus)}, 12),
        "a whole environment and its references": held_out(
            corpus, {i: p.env for i, p in enumerate(corpus)}, use_references=False
        ),
    }
