"""Weights: where they come from, the file that holds them, and where they lie."""
