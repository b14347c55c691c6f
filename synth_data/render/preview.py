# SPDX-License-Identifier: GPL-3.0-or-later
"""Single samples of jobs, to look at before thousands are made: the same as the batch's, without a dataset's folder (bpy)."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import bpy

from ...jobs.progress import SILENT, Reporter
from ..characters.clips import load_clip
from ..dataset.folder import Sample
from ..retarget.motion import Motion
from ..retarget.rig import Rig
from ..retarget.transfer import on_rig
from .cast import Cast
from .job import RenderJob, detail_of
from .poses import PART
from .sample import SampleMaker
from .scene import open_stage

_KEPT = 16  # motions
Stamp = tuple[int, int]
Key = TypeVar("Key")
Value = TypeVar("Value")


class Previews:
    """Makes samples one by one; pictures pass through the file `scratch`. Clips that were read are kept until their files change."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._motions: OrderedDict[Path, tuple[Stamp, Motion]] = OrderedDict()
        self._on_rigs: OrderedDict[tuple[Any, ...], Motion] = OrderedDict()
        self._frames: dict[Path, tuple[Stamp, int]] = {}
        self._cast: Cast | None = None
        self._lengths: dict[str, int] = {}

    def count(self, job: RenderJob, *, report: Reporter = SILENT) -> int:
        """How many samples the job has. Raises UserError for a clip that cannot be read."""
        return len(self._cast_of(job, report))

    def sample(self, job: RenderJob, number: int, *, report: Reporter = SILENT) -> tuple[Sample, dict[str, bytes]]:
        """Sample `number` and what its files hold by kind, as `render_dataset` makes them; of clips that last longer than 40 seconds joints
        may be off by a tenth of a millimetre. Blender is left as it was.

        Raises UserError where the sample could not be rendered, IndexError where the job has not so many.
        """
        cast = self._cast_of(job, report)
        if not 0 <= number < len(cast):
            raise IndexError(f"there are {len(cast)} samples")
        shot = cast.shot(number)
        clips = {clip.name: clip.motion for clip in job.clips}
        rig = job.characters[cast.character_of(number)].rig
        with _in_metres(), open_stage(rig, self._scratch, detail=detail_of(job)) as stage:

            def motion(clip: str) -> Motion:
                return self._fitted(clips[clip], stage.rig, report)

            maker = SampleMaker(stage, job, motion, cast.clip_jobs(), self._scratch.parent, report, single=True)
            return maker.contents(shot)

    def _cast_of(self, job: RenderJob, report: Reporter) -> Cast:
        lengths = {}
        for i, clip in enumerate(job.clips):
            report.progress(i, len(job.clips), "clips")
            lengths[clip.name] = self._length(clip.motion, report)
        if self._cast is None or self._lengths != lengths or self._cast.job != job:
            self._cast, self._lengths = Cast(job, lengths), lengths
        return self._cast

    def _length(self, path: Path, report: Reporter) -> int:
        stamp = _stamp(path)
        if self._frames.get(path, (None, 0))[0] != stamp:
            self._frames[path] = stamp, self._motion(path, report).frame_count
        return self._frames[path][1]

    def _fitted(self, path: Path, rig: Rig, report: Reporter) -> Motion:
        """A clip as it is on a rig, kept where it is not too long to be put there as a whole."""
        motion = self._motion(path, report)
        if motion.time[-1] - motion.time[0] > PART:
            return motion
        places = hashlib.sha256(rig.rest.tobytes() + rig.armature_matrix.tobytes()).hexdigest()
        key = path, _stamp(path), places, tuple((bone.name, bone.parent, bone.role, bone.length) for bone in rig.bones)
        if key not in self._on_rigs:
            self._on_rigs[key] = on_rig(motion, rig)
        return _last(self._on_rigs, key)

    def _motion(self, path: Path, report: Reporter) -> Motion:
        stamp = _stamp(path)
        if path not in self._motions or self._motions[path][0] != stamp:
            with _in_metres():
                self._motions[path] = stamp, load_clip(path, report=report)
        return _last(self._motions, path)[1]


def _last(kept: OrderedDict[Key, Value], key: Key) -> Value:
    """What is kept under the key, which is the last one now; the first ones go where there are too many."""
    kept.move_to_end(key)
    while len(kept) > _KEPT:
        kept.popitem(last=False)
    return kept[key]


@contextmanager
def _in_metres() -> Iterator[None]:
    """Importers heed the units of the scene that is open; the batch's has metres."""
    scene: Any = bpy.context.scene
    before = scene.unit_settings.scale_length
    try:
        if before != 1.0:
            scene.unit_settings.scale_length = 1.0
        yield
    finally:
        if before != 1.0:
            scene.unit_settings.scale_length = before


def _stamp(path: Path) -> Stamp:
    """Changes when the file does."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size
