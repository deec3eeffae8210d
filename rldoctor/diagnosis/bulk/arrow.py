"""pyarrow, and what to install where it is missing."""

from rldoctor.errors import MissingExtra

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as pads
    import pyarrow.fs as pafs
    import pyarrow.parquet as papq
except ImportError:
    raise MissingExtra("A table of results (Parquet)", "pyarrow", "parquet") from None

__all__ = ["pa", "pads", "pafs", "papq", "pc"]
