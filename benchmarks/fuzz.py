"""Feed hostile inputs to everything that parses or decodes, and say what broke a promise.

    python benchmarks/fuzz.py [--cases N] [--seed S] [--target T] [--found FOLDER]

`--cases` is for all targets together; `--target` names one, or a group of them by how the names begin. A failing
input is written to a file in FOLDER, <target>/<hash>; put under tests/fuzz/corpus it is run by the tests for ever.
"""

import argparse
import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fuzz.runner import Finding, Outcome, run_targets
from fuzz.target import Target
from fuzz.targets import all_targets


def main() -> int:
    """Run the cases, print a table, and return 1 where something was found."""
    parser = argparse.ArgumentParser(description="Feed hostile inputs to everything that parses or decodes.")
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", default="")
    parser.add_argument("--found", type=Path, default=Path("fuzz-found"))
    given = parser.parse_args()
    targets = [target for name, target in all_targets().items() if name.startswith(given.target)]
    if not targets:
        parser.error(f"no target begins with {given.target!r}; there are {', '.join(all_targets())}")
    shares = sum(target.share for target in targets)

    def count(target: Target) -> int:
        return max(1, round(given.cases * target.share / shares))

    outcome = run_targets(targets, count, given.seed, tell=lambda name: print(f"{name} done", file=sys.stderr))
    print_table(outcome, {target.name: target.group for target in targets})
    for finding in outcome.findings:
        print(f"\n{finding.target}: {write_finding(finding, given.found)}\n{finding.problem}")
    return 1 if outcome.findings else 0


def print_table(outcome: Outcome, groups: dict[str, str]) -> None:
    """Print a line for each target, and the sums of each group."""
    print(f"{'target':28} {'cases':>8} {'accepted':>8} {'a second':>8} {'slowest':>9} {'memory':>9} {'found':>6}")
    for name, tally in outcome.tallies.items():
        rate = tally.cases / tally.seconds if tally.seconds else 0.0
        print(
            f"{name:28} {tally.cases:8} {tally.accepted:8} {rate:8.0f} {tally.slowest:7.2f} s "
            f"{tally.memory / 2**20:5.0f} MiB {tally.findings:6}"
        )
    for group in dict.fromkeys(groups.values()):
        tallies = [tally for name, tally in outcome.tallies.items() if groups[name] == group]
        print(
            f"{group}: {sum(tally.cases for tally in tallies)} cases, slowest {max(t.slowest for t in tallies):.2f} s, "
            f"at most {max(t.memory for t in tallies) / 2**20:.0f} MiB, {sum(t.findings for t in tallies)} findings"
        )


def write_finding(finding: Finding, folder: Path) -> Path:
    """Write a failing input; return its path."""
    path = folder / finding.target / hashlib.sha256(finding.case).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(finding.case)
    return path


if __name__ == "__main__":
    sys.exit(main())
