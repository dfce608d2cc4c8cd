"""Mending a tree: putting back what is still there, having done again what is not, telling what is lost."""
