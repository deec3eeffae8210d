"""Fit the log-odds in checks/weights.toml on recorded runs: python -m benchmarks.fit_weights [RUNS ...]

With --witnesses, only those of what other witnesses than the logs observe; the others stay as they are. Needs pyarrow, which
reads the trainings of the laboratory.

The model is the one used for diagnosis: the probability of a cause is the softmax of its bias and the weights of the
signs that show. People write which signs count for or against a cause (the sign of a weight, its presence in the file);
how much they count is fitted here by penalised maximum likelihood, which pulls each weight towards what people expect. Each
run is used in several views (with and without its reference, without a success rate, with and without the metrics of
DoctorCallback), so the weights also serve environments without a reference and logs that contain less. Three environments
are few: the laboratory's trainings on 22 others have a say in the weights (benchmarks/laboratory/second_opinion.py).
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.corpus import RECORDED, recorded_runs
from benchmarks.fit_weights.book import fitted_book, write
from benchmarks.fit_weights.observations import fit_witnesses, with_witnesses
from rldoctor.rulebook import load_rulebook


def main() -> None:
    arguments = sys.argv[1:]
    others_only = "--witnesses" in arguments
    roots = tuple(Path(argument) for argument in arguments if not argument.startswith("--")) or (RECORDED,)
    book, corpus = load_rulebook(), recorded_runs(roots)
    print(f"{len(corpus)} runs, {sum(not recorded.fault for recorded in corpus)} healthy")
    write(book, with_witnesses(book, fit_witnesses(book, corpus)) if others_only else fitted_book(book, corpus))


if __name__ == "__main__":
    main()
