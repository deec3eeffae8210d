"""What a training printed, kept in a text file: ``nohup.out``, ``slurm-17.out``, ``log.txt``, or pasted from a page.

``prefixes`` takes off what others put before each line and tells processes apart. ``library`` reads what libraries
print (``checks/printed/**/*.toml``): ``boxes`` are tables with a frame, ``blocks`` nested names and values, ``grids``
tables with their names in the first line, ``lines`` all other lines. ``pairs`` are the lines of loops that somebody
wrote, and ``ending`` tells how the training ended.
"""

from rldoctor.logs.formats.printed.output import OUTPUT_SUFFIXES, PRINTED, is_printed, read_printed

__all__ = ["OUTPUT_SUFFIXES", "PRINTED", "is_printed", "read_printed"]
