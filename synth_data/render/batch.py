# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering a whole dataset, resumable at any point: prepares its folder, hands out its samples and keeps its index. No Blender in here
but to read other programs' clips.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import sys
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...jobs.folder import set_aside, sha256_of, write_atomically
from ...jobs.lock import FileLock
from ...jobs.machine import cores
from ...jobs.progress import SILENT, Reporter
from ..dataset.folder import (
    CHARACTER,
    HEADER,
    RIG,
    SCHEMA,
    SPLITS,
    VERSION,
    Dataset,
    IndexWriter,
    Sample,
    leftovers,
    listed,
    read_header,
    read_index,
    read_json,
    write_index,
    write_json,
)
from ..dataset.splits import splits_of
from ..dataset.verify import CHECKSUMS, damage, write_checksums
from ..pose.conditioning import RASTERISER_VERSION
from ..retarget.motion import Motion
from .cast import CLIPS, Cast, motion_path
from .crew import Crew, InProcess, Processes
from .job import RenderJob
from .job_file import JOB, job_data

LOCK = ".lock"
FEW = 48  # samples that are sooner rendered than other processes are started
_CRASHES = 3  # of Blender at one sample before it is given up
# What the header says → how to say it to a person.
_WORDS = {
    "rasteriser": "the version of the conditioning",
    "size": "the pictures' size",
    "count": "the count",
    "characters": "the characters",
    "clips": "the clips",
    "seed": "the seed",
    "labels": "the labels",
    "head_size": "the heads' size",
    "cameras": "the cameras",
    "poses": "the poses",
    "look": "the look",
    "background": "the background",
    "provenance": "the motions' or characters' content",
}


class OtherJob(UserError):
    """The folder holds a dataset that cannot be gone on with: of another job, or of another version."""


def render_dataset(
    job: RenderJob,
    out: Path | str,
    *,
    mend: bool = False,
    sets_aside: bool = False,
    workers: int | None = None,
    crew: Callable[[Path, int | None], Crew] | None = None,
    report: Reporter = SILENT,
) -> Dataset:
    """Render `job` into the folder `out` and return the dataset.

    Run again with the same job it goes on where it stopped, makes anew what is missing or damaged, and ends with the same bytes, whoever
    renders: `workers` processes (None: one a core, or this one where there is little to do), or what `crew(out, workers)` brings. Blender
    is left as it was. With `mend` a header that is damaged or was altered is written anew; with `sets_aside` a dataset of another job is
    renamed, instead of refused.

    Raises UserError for what the user can mend, also when some characters could not be rendered after all others are; OSError when the
    disk is full; Cancelled. After all of these it can be resumed.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose another folder with --out.")
    if workers is not None and workers < 1:
        raise UserError(f"{workers} workers cannot render; give 1 or more.")
    try:
        return _render(job, out, mend, workers, crew, report)
    except OtherJob as error:
        if not sets_aside:
            raise UserError(f"{error}; choose another folder with --out, or keep it under another name with --set-aside.") from error
        report.warning(f"{error}; it is kept as {set_aside(out).name}, and all pictures are rendered anew.")
    return _render(job, out, mend, workers, crew, report)


def _render(
    job: RenderJob, out: Path, mend: bool, workers: int | None, crew: Callable[[Path, int | None], Crew] | None, report: Reporter
) -> Dataset:
    if not mend:
        _refuse_other_contents(out)
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / LOCK)
    if not lock.acquire():
        raise UserError(f"Another render is at work in {out}; wait for it, or choose another folder with --out.")
    try:
        cast, finished = _prepare(job, out, mend, report)
        batch = _Batch(cast, out, finished, report)
        if batch.left:
            many = workers if workers is not None else cores() if batch.left >= FEW else 1
            hands: Crew = crew(out, workers) if crew is not None else Processes(out, many) if many > 1 else InProcess(out, report)
            try:
                batch.run(hands)
            finally:
                hands.close()
                batch.clear_up()
        return batch.finish()
    finally:
        lock.release()
        if is_new and not (out / HEADER).exists():  # it failed before it began
            _remove_beginnings(out)


class _Waiting:
    """Numbers that wait, from the first on; what comes back (`back`) goes before them."""

    def __init__(self, numbers: npt.NDArray[np.int64]) -> None:
        self.back: list[int] = []
        self._numbers, self._at = numbers, 0

    def __len__(self) -> int:
        return len(self.back) + len(self._numbers) - self._at

    def pop(self) -> int:
        if self.back:
            return self.back.pop()
        self._at += 1
        return int(self._numbers[self._at - 1])

    def all(self) -> list[int]:
        return self.back[::-1] + self._numbers[self._at :].tolist()


class _Batch:
    """Hands out what is left of a cast's samples and keeps the index."""

    def __init__(self, cast: Cast, out: Path, finished: npt.NDArray[np.bool_], report: Reporter) -> None:
        self._cast, self._out, self._report = cast, out, report
        self._total = len(finished)
        self._done = int(finished.sum())
        # Per character, so that each is loaded as seldom as possible.
        self._waiting: dict[int, _Waiting] = {}
        left = np.flatnonzero(~finished)
        for character in range(len(cast.job.characters)):
            numbers = cast.numbers_of(character)
            own = left[np.searchsorted(left, numbers.start) : np.searchsorted(left, numbers.stop)]
            if len(own):
                self._waiting[character] = _Waiting(own)
        self._refused: dict[tuple[str, str | None], str] = {}
        self._crashes: dict[int, int] = {}
        self._said: set[str] = set()

    @property
    def left(self) -> int:
        return sum(map(len, self._waiting.values()))

    def run(self, crew: Crew) -> None:
        self._report.progress(self._done, self._total, "samples")
        given: list[deque[int]] = [deque() for _ in range(crew.size)]
        at = [-1] * crew.size  # whom each member has open
        with IndexWriter(self._out) as index:
            stopped: BaseException | None = None
            while True:
                if stopped is None:
                    for member, own in enumerate(given):
                        while len(own) < crew.ahead and (number := self._next(member, at)) is not None:
                            own.append(number)
                            crew.give(member, number)
                if not any(given):
                    break
                member, event = crew.next_event()
                if "done" in event:
                    given[member].remove(event["done"])
                    index.add(Sample.from_line(event["line"]))
                    self._done += 1
                elif "refused" in event:
                    given[member].remove(event["refused"])
                    self._refuse(event["character"], event["clip"], event["text"])
                elif "warning" in event:
                    if event["warning"] not in self._said:  # every member that opens a character says what it finds
                        self._said.add(event["warning"])
                        self._report.warning(event["warning"])
                elif "failed" in event:
                    raise OSError(event["errno"], event["failed"]) if event["errno"] else UserError(event["failed"])
                elif "lost" in event:
                    self._lost(given[member])
                    given[member].clear()
                    at[member] = -1
                    if stopped is None:
                        crew.replace(member)
                try:
                    self._report.progress(self._done, self._total, "samples")
                except BaseException as asked_to_stop:
                    stopped = asked_to_stop  # what is being rendered is still waited for
            if stopped is not None:
                raise stopped

    def _next(self, member: int, at: list[int]) -> int | None:
        """The next sample for a member: of the character it has open, else of one that nobody has, else of the one with most left."""
        if at[member] not in self._waiting:
            free = [character for character in self._waiting if character not in at]
            if not free and not self._waiting:
                return None
            at[member] = free[0] if free else max(self._waiting, key=lambda character: len(self._waiting[character]))
        queue = self._waiting[at[member]]
        number = queue.pop()
        if not len(queue):
            del self._waiting[at[member]]
        return number

    def _refuse(self, character: str, clip: str | None, text: str) -> None:
        """Leave out a character, or what is of one clip of it; say why, once."""
        if (character, clip) in self._refused:
            return
        self._refused[character, clip] = text
        self._report.warning(f"{character}{f' in {clip}' if clip else ''} is left out: {text}")
        index = next(i for i, c in enumerate(self._cast.job.characters) if c.name == character)
        waiting = self._waiting.pop(index, None)
        if waiting is not None and clip is not None:
            others = [number for number in waiting.all() if self._cast.clip_job(self._cast.shot(number)) != clip]
            if others:
                self._waiting[index] = _Waiting(np.array(others))

    def _lost(self, given: deque[int]) -> None:
        """What a member that died was at goes back, the first of it counted as what it died of."""
        at = given[0] if given else -1  # −1: it had nothing to do
        self._crashes[at] = self._crashes.get(at, 0) + 1
        for number in reversed(given):
            character = self._cast.character_of(number)
            if self._crashes.get(number, 0) >= _CRASHES:
                shot = self._cast.shot(number)
                text = f"Blender died {_CRASHES} times while it rendered frame {shot.frame:g} of it; open it in Blender to see why."
                self._refuse(shot.character, self._cast.clip_job(shot), text)
            else:
                self._waiting.setdefault(character, _Waiting(np.zeros(0, np.int64))).back.append(number)

    def clear_up(self) -> None:
        """Rid the folder of what members that died were writing."""
        if self._crashes:
            for path in leftovers(self._out):
                path.unlink()

    def finish(self) -> Dataset:
        samples, _ = read_index(self._out)
        if (np.diff(samples.numbers) <= 0).any():
            write_index(self._out, samples)
        job = self._cast.job
        if not self._refused:
            of_characters = [f"{c.name}/{file}" for c in job.characters for file in (RIG, CHARACTER)]
            write_checksums(self._out, [JOB, *(motion_path(Path(), clip.name).as_posix() for clip in job.clips), *of_characters])
        if self._refused:
            whom = sorted({character for character, _ in self._refused})
            reason = next(iter(self._refused.values()))
            raise UserError(
                f"{self._total - self._done} of {self._total} samples could not be rendered, of {listed(whom, 5)} ({reason}) The others "
                "are done; mend what is wrong and run the same command again."
            )
        return Dataset.open(self._out)


def _prepare(job: RenderJob, out: Path, mend: bool, report: Reporter) -> tuple[Cast, npt.NDArray[np.bool_]]:
    """Write what the dataset's folder holds beside samples, or check what is there; return the cast and which samples are finished and
    whole.
    """
    for path in leftovers(out):
        path.unlink()
    motions = _motions(job, out, report)
    kept = {motion_path(out, name): motion.to_bytes() for name, motion in motions.items()}
    cast = Cast(job, {name: motion.frame_count for name, motion in motions.items()})
    header = _header(job, cast, motions, {f"{CLIPS}/{path.name}": hashlib.sha256(content).hexdigest() for path, content in kept.items()})
    found = read_json(out / HEADER) if mend else read_header(out)
    made_with = found.get("provenance", {}).get("made_with") if isinstance(found, dict) else None
    if mend:
        found = header
    if found is not None:
        # The versions matter only when samples remain to be made; a finished dataset is good whatever made it.
        found = found | {"provenance": {**found.get("provenance", {}), "made_with": header["provenance"]["made_with"]}}
        for name, entry in header["characters"].items():
            if entry["sha256"] is None and name in found.get("characters", {}):  # not there now; whoever must load it will say so
                entry["sha256"] = found["characters"][name].get("sha256")
    if found is not None and found != header:
        different = ", ".join(words for key, words in _WORDS.items() if found.get(key) != header.get(key)) or "its format"
        raise OtherJob(f"{out} holds a dataset of another job (different: {different})")
    for path, content in kept.items():
        write_atomically(path, content)
    if found is None:
        _refuse_missing_characters(job)
    if found is None or mend:
        write_json(out / HEADER, header)
    write_json(out / JOB, job_data(job))
    write_json(out / SPLITS, splits_of(cast.clips()))
    finished = _whole_samples(out, len(cast), report)
    for character in _without_rigs(job, out):
        # Whoever opens the character writes them; rendering one of its samples again is the least that does.
        finished[cast.numbers_of(character).start] = False
    if made_with not in (None, header["provenance"]["made_with"]) and not finished.all():
        raise OtherJob(f"{out} was begun with another version of Ningyo or Blender, whose pictures differ")
    return cast, finished


def _motions(job: RenderJob, out: Path, report: Reporter) -> dict[str, Motion]:
    """The clips' motions: the dataset's folder keeps them, so that it can be gone on with wherever the sources are."""
    motions: dict[str, Motion] = {}
    for clip in job.clips:
        kept = motion_path(out, clip.name)
        motions[clip.name] = _load(clip.motion, report) if clip.motion.exists() or not kept.exists() else Motion.load(kept)
    return motions


def _load(path: Path, report: Reporter) -> Motion:
    """A motion, or another program's clip, for which Blender may have to be loaded."""
    if path.suffix.lower() == ".npz":
        return Motion.load(path)
    from ..characters.clips import load_clip

    return load_clip(path, report=report)


def _refuse_missing_characters(job: RenderJob) -> None:
    missing = [c.rig for c in job.characters if c.rig.partition(":")[0] != "builtin" and not Path(c.rig).is_file()]
    if missing:
        more = f" (and {len(missing) - 1} more are missing)" if len(missing) > 1 else ""
        raise UserError(f"There is no file {missing[0]}{more}; check the path of the character.")


def _whole_samples(out: Path, total: int, report: Reporter) -> npt.NDArray[np.bool_]:
    """(N,) which samples' files are as the index says; the index is rid of the others."""
    samples, bad = read_index(out)
    if bad:
        report.warning(f"{len(bad)} cut or damaged lines of the index are dropped; their samples are rendered again.")
    whole = np.zeros(total, bool)
    keep = np.zeros(len(samples), bool)
    for i, sample in enumerate(samples):
        report.check()
        wrong = damage(out, sample)
        if wrong:
            report.warning(f"{wrong[0]}; sample {sample.id} is rendered again.")
        elif sample.number < total and not whole[sample.number]:
            whole[sample.number] = keep[i] = True
    if bad or not keep.all():
        write_index(out, samples.where(keep))
    return whole


def _without_rigs(job: RenderJob, out: Path) -> list[int]:
    """The characters whose own files are missing or not as they were when the dataset was finished."""
    sums = read_json(out / CHECKSUMS)
    known = sums if isinstance(sums, dict) else {}
    found = []
    for i, character in enumerate(job.characters):
        files = [f"{character.name}/{name}" for name in (RIG, CHARACTER)]
        if not all((out / name).is_file() and known.get(name) in (None, sha256_of(out / name)) for name in files):
            found.append(i)
    return found


def _header(job: RenderJob, cast: Cast, motions: dict[str, Motion], hashes: dict[str, str]) -> dict[str, Any]:
    own = ("size", "count", "characters", "clips")
    settings = {key: value for key, value in job_data(job).items() if key not in own}
    if job.background.pictures is not None:
        settings["background"]["pictures"] = job.background.pictures.name
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "rasteriser": RASTERISER_VERSION,
        "size": [job.size, job.size],
        "count": len(cast),
        "characters": {
            c.name: {"rig": f"{c.name}/{RIG}", "source": _source_name(c.rig), "sha256": _source_hash(c.rig)} for c in job.characters
        },
        "clips": {
            take.clip.name: {
                "frames": take.clip.frames,
                "fps": motions[take.job.name].fps,
                "start": take.clip.start,
                "motion": take.job.motion.name,
                **({"attributes": dict(take.job.attributes)} if take.job.attributes else {}),
            }
            for take in cast.takes
        },
        **settings,
        "provenance": {
            "motions": hashes,
            "made_with": {"code": code_version(), "blender": blender_version()},
        },
    }


def _source_name(rig: str) -> str:
    return rig if rig.partition(":")[0] == "builtin" else Path(rig).name


def _source_hash(rig: str) -> str | None:
    """None for a character that is built in, and for a file that is not there: whoever loads it will say so."""
    return sha256_of(rig) if rig.partition(":")[0] != "builtin" and Path(rig).is_file() else None


@lru_cache(maxsize=1)
def code_version() -> str:
    """A hash of the code that decides what a sample looks like."""
    folder = Path(__file__).parents[1]
    content = hashlib.sha256()
    for part in ("characters", "dataset", "pose", "render", "retarget"):
        for path in sorted((folder / part).rglob("*.py")):
            content.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return content.hexdigest()[:16]


def blender_version() -> str:
    """Of the Blender that this Python renders with, without loading it; "unknown" where there is none."""
    if "bpy" in sys.modules:
        return ".".join(map(str, sys.modules["bpy"].app.version))
    try:
        return importlib.metadata.version("bpy")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _refuse_other_contents(out: Path) -> None:
    """An output folder must be new, empty, or a dataset."""
    if out.is_dir() and not (out / HEADER).exists():
        foreign = next((path.name for path in sorted(out.iterdir()) if not path.name.startswith(".") and path.name != CLIPS), None)
        if foreign is not None:
            raise UserError(f"{out} already holds other things ({foreign}); choose a new folder with --out.")


def _remove_beginnings(out: Path) -> None:
    """What was written into a folder of our own before the dataset began."""
    for path in sorted((out / CLIPS).glob("*.npz")):
        path.unlink()
    if (out / CLIPS).is_dir():
        (out / CLIPS).rmdir()
    (out / LOCK).unlink(missing_ok=True)
    out.rmdir()
