"""Very many runs: their diagnoses kept as Parquet files by whoever makes them, and counts for the report.

``plan`` lists the folders, ``work`` diagnoses a batch of runs and keeps it as one Parquet file, ``summary`` counts what
such files hold and merges the counts, ``where`` selects rows, ``store`` is the folder of the files, and ``overview``
makes the report. ``conduct`` puts them together, in this process, in copies of it, or on a Ray cluster.
"""
