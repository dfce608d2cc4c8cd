"""A polling worker that compresses chunks, proves that they decode, and files them in a Drive folder."""

__all__ = ["__version__"]

__version__ = "0.1.0"
