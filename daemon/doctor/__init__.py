"""Checking everything that goes wrong with a worker, each with its remedy."""
