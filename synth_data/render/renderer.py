# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever renders: makes any sample of a dataset's job by its number, with the last character kept open (bpy)."""

from __future__ import annotations

import gc
import os
import traceback
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import UserError
from ...jobs.progress import SILENT, Reporter
from ..characters.builtin.design import design
from ..characters.builtin.words import attributes
from ..characters.importing import BUILTIN
from ..dataset.folder import CHARACTER, RIG, Sample, write_json
from ..retarget.motion import Motion
from .cast import Cast, load_motions
from .job import CharacterJob, detail_of
from .job_file import JOB, load_job
from .sample import SampleMaker
from .scene import Stage, open_stage


@dataclass(eq=False)
class Refusal(Exception):
    """A character, or a character in one clip (`clip`: the name of its job), cannot be rendered; `text` says why in a sentence."""

    character: str
    clip: str | None
    text: str


class Renderer:
    """Makes samples of the dataset in the folder `out`, which was prepared (`batch.py`). Close it to leave Blender as it was."""

    def __init__(self, out: Path, threads: int | None = None, report: Reporter = SILENT) -> None:
        self._out, self._threads, self._report = out, threads, report
        self._job = load_job(out / JOB)
        self._motions = load_motions(self._job, out)
        self._cast = Cast(self._job, {name: motion.frame_count for name, motion in self._motions.items()})
        self._open = ExitStack()
        self._maker: SampleMaker | None = None
        self._character = -1

    def make(self, number: int) -> Sample:
        """Render a sample and write its files. Raises Refusal, OSError when the disk is full."""
        shot = self._cast.shot(number)
        maker = self._maker_of(self._cast.character_of(number))
        try:
            return maker.make(shot)
        except UserError as error:
            raise Refusal(*self.whose(number), str(error)) from error

    def whose(self, number: int) -> tuple[str, str | None]:
        """The character and the clip's job of a sample."""
        shot = self._cast.shot(number)
        return shot.character, self._cast.clip_job(shot)

    def close(self) -> None:
        gc.unfreeze()
        self._open.close()
        self._maker, self._character = None, -1

    def _maker_of(self, character: int) -> SampleMaker:
        if self._maker is None or character != self._character:
            self.close()
            job = self._job.characters[character]
            try:
                stage = self._open.enter_context(open_stage(job.rig, self._scratch, threads=self._threads, detail=detail_of(self._job)))
            except UserError as error:
                raise Refusal(job.name, None, str(error)) from error
            folder = self._out / job.name
            stage.rig.save(folder / RIG)
            write_json(folder / CHARACTER, _about(stage, job, self._job.look.palettes))
            if not stage.expressions and self._moves_faces():
                self._report.warning(
                    f"{job.name} has no face that moves (no shape keys such as eyeBlinkLeft or jawOpen); its expressions are left out."
                )
            self._maker = SampleMaker(stage, self._job, self._motion, self._cast.clip_jobs(), self._out, self._report)
            self._character = character
            gc.collect()
            gc.freeze()  # what a character brought stays; looking through it again and again costs more than a z-buffer
        return self._maker

    def _moves_faces(self) -> bool:
        return self._job.poses.expressions > 0 or any(motion.expressions for motion in self._motions.values())

    def _motion(self, clip: str) -> Motion:
        return self._motions[clip]

    @property
    def _scratch(self) -> Path:
        # Its own for every process that renders into this folder.
        return self._out / f".render-{os.getpid()}.part"


def _about(stage: Stage, job: CharacterJob, palettes: int) -> dict[str, Any]:
    """What a dataset says of a character (`character.json`): where it comes from, what its face can show, and it in words for captions."""
    kind, _, seed = job.rig.partition(":")
    own = [attributes(design(int(seed or 0), palette)) for palette in range(palettes)] if kind == BUILTIN else [{}]
    worn = [words | dict(job.attributes) for words in own]
    return {
        "source": stage.rig.source_name,
        "sha256": stage.rig.source_sha256,
        "expressions": list(stage.expressions),
        "attributes": worn[0],
        **({"palettes": [{"attributes": words} for words in worn]} if len(worn) > 1 else {}),
    }


def answer(renderer: Renderer, number: int) -> dict[str, Any]:
    """What making a sample comes to, as an event of a crew (`crew.py`)."""
    try:
        return {"done": number, "line": renderer.make(number).to_line()}
    except Refusal as refusal:
        return {"refused": number, "character": refusal.character, "clip": refusal.clip, "text": refusal.text}
    except OSError as error:
        return {"failed": str(error), "errno": error.errno}
    except Exception as error:  # a fault of ours with one character must not stop the others; the log has the rest
        traceback.print_exc()
        character, clip = renderer.whose(number)
        text = f"Something unforeseen went wrong ({type(error).__name__}: {error})."
        return {"refused": number, "character": character, "clip": clip, "text": text}
