"""A stateful fake of the part of GitHub that the project uses, over real HTTP and on a real bare git repository.

`from fakes.github.server import FakeGithub` is the way in, `fakes.github.faults` holds what can go wrong on order.
"""
