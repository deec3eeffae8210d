"""What a training printed, kept in a text file: ``nohup.out``, ``slurm-17.out``, ``log.txt``, or pasted from a page.

``boxes`` reads tables with a frame, ``lines`` the lines of libraries that print none (``checks/printed/*.toml``),
``pairs`` the lines of loops that somebody wrote, ``ending`` how the training ended.
"""

from rldoctor.logs.formats.printed.output import OUTPUT_SUFFIXES, PRINTED, is_printed, read_printed

__all__ = ["OUTPUT_SUFFIXES", "PRINTED", "is_printed", "read_printed"]
