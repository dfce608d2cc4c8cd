"""Collect files of many formats from Debian's and PyPI's packages, by name: a corpus for benchmarks/formats.py.

    python benchmarks/corpus.py FOLDER

Needs Debian's apt-get and dpkg-deb, and pip. Of each package some files of each type are taken, spread over their
sizes; each file once, by its SHA-256. The last line is the SHA-256 of all of them, which makes two runs comparable.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

DEBIAN = {
    "gimp-help-en": {"png": 80},
    "gcompris-qt-data": {"png": 40},
    "adwaita-icon-theme": {"png": 40},
    "python-matplotlib-data": {"png": 30, "pdf": 14},
    "stellarium-data": {"png": 20, "jpg": 10},
    "gnome-backgrounds": {"jpg": 4},
    "opencv-doc": {"jpg": 40, "png": 20},
    "python-skimage-doc": {"jpg": 20, "png": 30},
    "marble-data": {"jpg": 40},
    "asymptote-doc": {"pdf": 12},
    "debian-kernel-handbook": {"pdf": 1},
    "gnuplot-doc": {"pdf": 4},
    "r-doc-pdf": {"pdf": 4},
    "fltk1.3-doc": {"pdf": 2},
    "tuxpaint-stamps-default": {"wav": 16},
    "extremetuxracer-data": {"wav": 4},
    "manpages": {"gz": 6},
    "manpages-fr": {"gz": 6},
    "libcommons-lang3-java": {"jar": 1},
    "libcommons-io-java": {"jar": 1},
}
"""How many files of a type are taken of a package at most."""
PYPI = ("six", "attrs", "idna", "pygments")
"""Packages whose wheels are taken."""
_LARGEST = 3_000_000


def main() -> None:
    """Collect and print what was taken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    digests: set[str] = set()
    with tempfile.TemporaryDirectory() as scratch:
        for type_, path in _find(Path(scratch)):
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            if digest in digests:
                continue
            digests.add(digest)
            target = options.folder / type_ / f"{digest[:12]}-{path.name[-60:]}"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
    for folder in sorted(path for path in options.folder.iterdir() if path.is_dir()):
        sizes = [path.stat().st_size for path in folder.iterdir()]
        print(f"{folder.name:<6}{len(sizes):>5} files {sum(sizes):>12} bytes")
    print(f"corpus {hashlib.sha256(' '.join(sorted(digests)).encode()).hexdigest()[:16]}")


def _find(scratch: Path) -> Iterator[tuple[str, Path]]:
    for name, wanted in DEBIAN.items():
        folder = scratch / name
        folder.mkdir()
        if subprocess.run(["apt-get", "download", "-qq", name], cwd=folder, check=False).returncode:
            print(f"{name} cannot be had here; left out", file=sys.stderr)
            continue
        (package,) = folder.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", package.name, "files"], cwd=folder, check=True)
        for type_, count in wanted.items():
            found = [
                path for path in (folder / "files").rglob(f"*.{type_}") if path.is_file() and not path.is_symlink()
            ]
            for path in _spread([path for path in found if path.is_file() and not path.is_symlink()], count):
                yield type_, path
    for name in PYPI:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", name]
        if subprocess.run([*command, "--dest", str(scratch / "wheels")], check=False).returncode == 0:
            continue
        print(f"{name} cannot be had here; left out", file=sys.stderr)
    for path in sorted((scratch / "wheels").glob("*.whl")):
        yield "whl", path


def _spread(paths: list[Path], count: int) -> list[Path]:
    """Choose so many files, evenly over their sizes."""
    fit = sorted(
        (path for path in paths if 0 < path.stat().st_size <= _LARGEST), key=lambda one: (one.stat().st_size, one)
    )
    if len(fit) <= count:
        return fit
    return [fit[at * (len(fit) - 1) // max(count - 1, 1)] for at in range(count)]


if __name__ == "__main__":
    main()
