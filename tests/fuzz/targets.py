"""Every target there is."""

from fuzz.codec_targets import codec_targets
from fuzz.config_targets import config_targets
from fuzz.github_targets import github_targets
from fuzz.local_targets import local_targets
from fuzz.manifest_targets import manifest_targets
from fuzz.object_targets import object_targets
from fuzz.repair_targets import repair_targets
from fuzz.restore_targets import restore_targets
from fuzz.target import Target
from fuzz.tree_targets import tree_targets
from fuzz.worker_targets import worker_targets


def all_targets() -> dict[str, Target]:
    """Return the targets by name."""
    found = [*codec_targets(), *manifest_targets(), *tree_targets(), *worker_targets(), *github_targets()]
    found += [*config_targets(), *object_targets(), *local_targets(), *repair_targets(), *restore_targets()]
    named = {target.name: target for target in found}
    assert len(named) == len(found)
    return named
