"""Hostile input for everything that parses or decodes: `python benchmarks/fuzz.py` runs it at length."""
