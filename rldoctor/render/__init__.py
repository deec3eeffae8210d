"""Reports as text, pages and data: one format a file, all of them in ``formats.FORMATS``.

Nothing here reads a file. What a report does not hold, such as curves, comes from its ``details``.
"""
