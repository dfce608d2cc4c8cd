"""The line for chunks that are compressed together: fetched into one run of bytes, committed as slices of it.

The run's payload comes first, in a file that nobody ever writes other bytes to, and is read back; each slice names it.
So a slice that is written is as good as its run, whatever other workers do to the rest.
"""

import shutil
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from panini_daemon.adoption import Adoptee, adopt, commit_slice, name_several, same_as, write_empty
from panini_daemon.compressors.selection import FALLBACK
from panini_daemon.compute import Compressed, Order
from panini_daemon.errors import VerificationFailed
from panini_daemon.keeping import Ask, name_run
from panini_daemon.line import Line, estimate, level_of, look_for_commits, outcome_of
from panini_daemon.outcomes import Outcome, State
from panini_daemon.pipeline import AUTO
from panini_daemon.recipes import make_slice_recipe
from panini_daemon.spool import Place, unavailable
from panini_daemon.stopwatch import Stopwatch
from panini_daemon.storage.commits import Commit, already_committed, find_commit
from panini_daemon.storage.digests import Digests
from panini_daemon.storage.errors import StoreFull, StoreUnavailable
from panini_daemon.storage.jobs import Chunk, Job
from panini_daemon.storage.run_files import write_run_file
from panini_daemon.storage.solid import Run, RunFile, Slice, is_slice, name_run_file, parse_slice
from panini_daemon.weights import keep_weights

Ended = tuple[list[Outcome], list[Chunk]]
"""What was committed, and the chunks that must go through the line alone."""
_PIECE = 1 << 20


def process_run(
    line: Line, job: Job, chunks: Sequence[Chunk], *, held: Callable[[], None], exclude: Collection[str]
) -> Ended:
    """Bring a run of chunks to commits that read back, as one payload where that saves anything.

    Chunks must go alone where the whole does not become smaller, where others of the run are committed otherwise, and
    where half of its bytes are in the tree already. `held` and `exclude` as for `process`. Raises what the steps raise.
    """
    outcomes, alone = _process(line, job, chunks, held, exclude)
    if line.twins is not None:
        for one in outcomes:
            line.twins.note(one.chunk, one.original_hash, one.method, one.payload_size)
    known = {one.chunk.name: one.original_hash for one in outcomes}
    hashes = [known.get(chunk.name) or chunk.original_hash or "" for chunk in chunks]
    return [replace(one, kept_as=_name(chunks, hashes)) for one in outcomes], alone


def _process(
    line: Line, job: Job, chunks: Sequence[Chunk], held: Callable[[], None], exclude: Collection[str]
) -> Ended:
    ask = Ask(job.method or line.method, level_of(job, line), tuple(sorted(exclude)))
    done, todo = look_for_commits(line, chunks)
    if not done:
        twins = _find_twins(line, job, todo, ask)
        if not twins or 2 * _sum(chunk for chunk, _ in twins) < _sum(todo):
            return _Work(line, job, chunks, ask, held).compress()
    if todo:
        done += adopt(line, job, _find_own(line, done, todo), held)
        todo = _left(todo, done)
        done += adopt(line, job, _list_slices(_find_twins(line, job, todo, ask)), held)
    return done, _left(todo, done)


def _left(chunks: Sequence[Chunk], done: Sequence[Outcome]) -> list[Chunk]:
    names = {outcome.chunk.name for outcome in done}
    return [chunk for chunk in chunks if chunk.name not in names]


def _sum(chunks: Iterable[Chunk]) -> int:
    return sum(chunk.size for chunk in chunks)


def _find_own(line: Line, done: Sequence[Outcome], todo: Sequence[Chunk]) -> list[Adoptee]:
    """Return the chunks that by their place are in runs of their file of which other chunks are committed."""
    found: dict[str, Adoptee] = {}
    of_runs = {path: outcome for outcome in reversed(done) for path in outcome.needs}
    for outcome in of_runs.values():
        commit = find_commit(line.store, line.folder_of(outcome.chunk))
        known = parse_slice(commit.recipe)
        if known.run.file.base != outcome.chunk.base:
            continue
        for chunk in todo:
            offset = known.offset + chunk.offset - outcome.chunk.offset
            if chunk.original_hash and 0 <= offset <= known.run.size - chunk.size and chunk.name not in found:
                where = Slice(known.run, offset)
                found[chunk.name] = Adoptee(chunk, chunk.original_hash, commit, where, own=True)
    return list(found.values())


def _find_twins(line: Line, job: Job, chunks: Sequence[Chunk], ask: Ask) -> list[tuple[Chunk, Commit]]:
    """Return the chunks whose bytes are in the tree already, with where."""
    if line.twins is None or ask.request != AUTO:
        return []
    return [(chunk, twin) for chunk in chunks if (twin := line.twins.find(job, chunk)) is not None]


def _list_slices(twins: Sequence[tuple[Chunk, Commit]]) -> list[Adoptee]:
    return [same_as(chunk, twin.recipe.original_hash, twin) for chunk, twin in twins if is_slice(twin.recipe)]


@dataclass(frozen=True, slots=True)
class _Work:
    """One run on its way; hashes and recipes are in the order of its chunks."""

    line: Line
    job: Job
    chunks: Sequence[Chunk]
    ask: Ask
    held: Callable[[], None]

    def compress(self) -> Ended:
        """Compress all chunks as one and commit them."""
        line, watch = self.line, Stopwatch(1)
        with line.spool.places(2) as (whole, part), ExitStack() as memory:
            with watch.step("fetch"):
                hashes, kept = self._fetch(whole, part)
            with watch.step("compress"):
                if kept is None:
                    memory.enter_context(line.budget.reserve(estimate(line, self._size, whole.original, self.ask)))
                encoded = kept or line.compute.compress([self._order(whole)])[0]
            watch.split("compress", 0.0 if kept else encoded.seconds, rest="queue")
            if encoded.method == FALLBACK:
                return [], list(self.chunks)
            recipes = self._describe(encoded, hashes)
            if kept is None:
                with watch.step("verify"):
                    self._require_equal(encoded, recipes, hashes, whole)
            with watch.step("commit"):
                ended = self._commit(encoded, hashes, recipes, whole, part)
        return self._finish(ended, encoded, watch, kept=kept is not None), []

    @property
    def _size(self) -> int:
        return _sum(self.chunks)

    def _fetch(self, whole: Place, part: Place) -> tuple[list[str], Compressed | None]:
        """Get the run's payload where it is kept from an earlier try, else its bytes, one chunk behind the other."""
        told = [chunk.original_hash for chunk in self.chunks if chunk.original_hash]
        if len(told) == len(self.chunks):
            kept = self.line.keep.take(_name(self.chunks, told), self.ask, whole.payload)
            if kept is not None:
                return told, kept
        hashes = []
        try:
            with whole.original.open("wb") as run:
                for chunk in self.chunks:
                    hashes.append(self.line.fetch(chunk, part.original))
                    with part.original.open("rb") as file:
                        shutil.copyfileobj(file, run, _PIECE)
        except OSError as error:
            raise unavailable(whole.original, error) from error
        return hashes, None

    def _order(self, whole: Place) -> Order:
        """Return what the compute process is told; of hints those that hold for every chunk."""
        patterns = {chunk.pattern_type for chunk in self.chunks}
        grammars = {chunk.grammar_id for chunk in self.chunks}
        return Order(
            source=whole.original,
            target=whole.payload,
            size=self._size,
            request=self.ask.request,
            level=self.ask.level,
            pattern_type=patterns.pop() if len(patterns) == 1 else None,
            grammar_id=grammars.pop() if len(grammars) == 1 else None,
            exclude=self.ask.exclude,
            chunk=name_several(self.chunks),
        )

    def _describe(self, encoded: Compressed, hashes: Sequence[str]) -> list[bytes]:
        """Return the recipes of the slices."""
        first = self.chunks[0]
        file = RunFile(name_run_file(first.base, encoded.payload_hash), encoded.payload_size)
        run = Run(file, encoded.method, encoded.parameters, self._size)
        recipes = []
        for chunk, sha256 in zip(self.chunks, hashes, strict=True):
            where = Slice(run, chunk.offset - first.offset)
            recipes.append(
                make_slice_recipe(
                    self.job,
                    chunk,
                    where,
                    original_hash=sha256,
                    charged=where.share(chunk.size),
                    kind=encoded.kind,
                    device=encoded.device,
                    worker=self.line.worker,
                    moment=self.line.clock.now(),
                    level=self.ask.level,
                )
            )
        return recipes

    def _require_equal(
        self, encoded: Compressed, recipes: Sequence[bytes], hashes: Sequence[str], whole: Place
    ) -> None:
        found = self.line.compute.verify_run(
            recipes, whole.payload, self._size, encoded.method, name_several(self.chunks)
        )
        for chunk, sha256, decoded in zip(self.chunks, hashes, found, strict=True):
            if decoded != sha256:
                raise VerificationFailed(
                    f"{chunk.name}: {encoded.method} decodes to SHA-256 {decoded}, the chunk has {sha256}; "
                    "the payload of its run was thrown away",
                    encoded.method,
                )

    def _commit(
        self, encoded: Compressed, hashes: Sequence[str], recipes: Sequence[bytes], whole: Place, part: Place
    ) -> list[Outcome]:
        """Write the run, then its slices; keep the payload while the folder does not take it, or may yet lose it."""
        line, keep, digests = self.line, self.line.shared, Digests()
        write_empty(part.payload)
        try:
            if any(self._is_open(chunk, sha256) for chunk, sha256 in zip(self.chunks, hashes, strict=True)):
                keep_weights(line.store, line.models, encoded.parameters)
                file = RunFile(name_run_file(self.chunks[0].base, encoded.payload_hash), encoded.payload_size)
                write_run_file(line.store, file, whole.payload, allowed=self.held)
            return [
                outcome_of(chunk, *commit_slice(line, chunk, sha256, recipe, part.payload, self.held, digests))
                for chunk, sha256, recipe in zip(self.chunks, hashes, recipes, strict=True)
            ]
        except (StoreUnavailable, StoreFull):
            keep = True
            raise
        finally:
            if keep:
                line.keep.add(_name(self.chunks, hashes), self.ask, encoded, whole.payload)

    def _is_open(self, chunk: Chunk, sha256: str) -> bool:
        """Tell whether a chunk is still to be committed; another worker may have come before."""
        return already_committed(self.line.store, self.line.folder_of(chunk), sha256) is None

    def _finish(self, outcomes: list[Outcome], encoded: Compressed, watch: Stopwatch, *, kept: bool) -> list[Outcome]:
        """Return the outcomes with what is known of the run; each chunk took its share of the time."""
        faults = {method: error for method, _, error in encoded.trials if error}
        found = []
        for number, outcome in enumerate(outcomes):
            if outcome.state is State.COMMITTED:
                share = outcome.chunk.size / self._size
                outcome = replace(  # noqa: PLW2901  the same outcome, told in full
                    outcome,
                    kind=encoded.kind,
                    device=encoded.device,
                    timings={step: seconds * share for step, seconds in watch.seconds.items()},
                    kept=kept,
                    level=self.ask.level,
                    chosen=encoded.chosen,
                    faults={} if number else faults,  # told once
                )
            found.append(outcome)
        return found


def _name(chunks: Sequence[Chunk], hashes: Sequence[str]) -> str:
    return name_run(zip(hashes, (chunk.size for chunk in chunks), strict=True))
