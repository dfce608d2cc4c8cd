"""Whole workers over one delayed folder, in simulated time, drawn from a seed."""
