from hypothesis import settings

# The same examples at every run: what fails here fails everywhere. Fuzzing at length is a matter of its own.
settings.register_profile("deterministic", derandomize=True, database=None, deadline=None)
settings.load_profile("deterministic")
