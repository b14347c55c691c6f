# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo run`: all stages in turn, from a video to anime frames in the sequencer of a .blend."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.folder import write_atomically
from ..jobs.progress import Reporter
from .arguments import Filming, add_filming, person_id, positive_integer, positive_number
from .retarget import motions_of

HELP = "The whole way: capture, retarget, render, train, generate and strip, from one video and one rig."
EXAMPLE = "ningyo run dance.mp4 --rig character.glb --out dance --minutes 20"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("--rig", default="builtin", metavar="RIG", help="a .glb, .fbx or .blend with a Mixamo character, or builtin[:SEED]")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for everything that is made")
    parser.add_argument("--minutes", type=positive_number, default=10.0, metavar="M", help="training time (default: 10)")
    parser.add_argument("--count", type=positive_integer, default=800, metavar="N", help="pictures to render for training (default: 800)")
    parser.add_argument("--size", type=positive_integer, default=256, metavar="PX", help="side of the pictures (default: 256)")
    parser.add_argument("--preset", default="tiny", metavar="NAME", help="the generator's size: tiny, small, medium or large")
    parser.add_argument("--person", type=person_id, default=0, metavar="ID", help="who is shown: main (the default) or an id in the track")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fast", action="store_true", help="capture with one look at each body, and retarget with fewer steps")
    add_filming(parser)


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    pipeline = Pipeline(
        args.video, args.rig, args.out, args.minutes, args.count, args.size, args.preset, args.seed,
        person=args.person, fast=args.fast, filming=Filming.of(args),
    )  # fmt: skip
    return run_pipeline(pipeline, report)


@dataclass(frozen=True)
class Pipeline:
    """What `ningyo run` was asked for; the names of what it makes."""

    video: Path
    rig: str
    out: Path
    minutes: float
    count: int
    size: int
    preset: str
    seed: int
    person: int = 0
    scene_name: str = "scene.blend"
    fast: bool = False
    filming: Filming = field(default_factory=Filming)

    @property
    def track(self) -> Path:
        return self.out / "track.npz"

    def of_person(self, name: str) -> Path:
        """A file or folder of one person; several people of a video do not share it."""
        path = self.out / name
        return path if self.person == 0 else path.with_name(f"{path.stem}-person-{self.person}{path.suffix}")

    @property
    def motion(self) -> Path:
        return self.of_person("motion.npz")

    @property
    def rig_file(self) -> Path:
        return self.of_person("rig.json")

    @property
    def dataset(self) -> Path:
        return self.of_person("dataset")

    @property
    def model(self) -> Path:
        return self.of_person("model")

    @property
    def frames(self) -> Path:
        return self.of_person("frames")

    @property
    def movie(self) -> Path:
        return self.of_person("anime.mp4")

    @property
    def contact_sheet(self) -> Path:
        return self.of_person("contact.png")

    @property
    def scene(self) -> Path:
        """One for all people of the video: they lie over the same movie."""
        return self.out / self.scene_name

    @property
    def report(self) -> Path:
        return self.of_person("report.json")


def run_pipeline(pipeline: Pipeline, report: Reporter) -> dict[str, Any]:
    """Every stage in turn; what is finished already is kept, and a dataset or model of other settings under another name. Returns what is
    also written to `pipeline.report`."""
    import numpy as np

    from ..generation.frames import frame_path, generate
    from ..sequencer.frames import FrameFolder, frames_of_everyone
    from ..sequencer.strips import save_strip_blend
    from ..synth_data.capture.capture import Settings, capture_files
    from ..synth_data.characters.importing import rig_for
    from ..synth_data.pose.track import PoseTrack
    from ..synth_data.render.batch import render_dataset
    from ..synth_data.render.job import CharacterJob, ClipJob, RenderJob
    from ..synth_data.retarget.filming import residual_in_words
    from ..training.contact import contact_sheet
    from ..training.loop import train
    from ..training.presets import MULTIPLE, preset_named

    if pipeline.out.exists() and not pipeline.out.is_dir():
        raise UserError(f"{pipeline.out} is a file; choose another folder with --out.")
    # Looked at before the capture, so that what is wrong is known at once.
    preset_named(pipeline.preset)
    if pipeline.size % MULTIPLE:
        raise UserError(f"A model learns pictures whose side is a multiple of {MULTIPLE} px, not {pipeline.size}; choose another --size.")
    rig = rig_for(pipeline.rig, report=report)
    pipeline.out.mkdir(parents=True, exist_ok=True)
    seconds: dict[str, float] = {}

    with stage("capture", seconds, report):
        capture_files([pipeline.video], pipeline.track, settings=Settings(fast=pipeline.fast), report=report)
        track = PoseTrack.load(pipeline.track, person=pipeline.person)

    with stage("retarget", seconds, report):
        rig.save(pipeline.rig_file)
        motion = motions_of(
            track, {pipeline.person: rig}, pipeline.filming,
            closed_form=False,  # True: without the solver
            fast=pipeline.fast, track_name=pipeline.track.name, report=report,
        )[pipeline.person]  # fmt: skip
        motion.save(pipeline.motion)
        report.artefact("motion", pipeline.motion)

    with stage("render", seconds, report):
        job = RenderJob(
            characters=(CharacterJob(pipeline.rig),),
            clips=(ClipJob(pipeline.motion, name=pipeline.video.stem),),
            size=pipeline.size,
            count=pipeline.count,
            seed=pipeline.seed,
        )
        dataset = render_dataset(job, pipeline.dataset, sets_aside=True, report=report)
        report.artefact("dataset", pipeline.dataset)

    with stage("train", seconds, report):
        training = train(
            pipeline.dataset, pipeline.model, preset=pipeline.preset, minutes=pipeline.minutes, seed=pipeline.seed,
            sets_aside=True, report=report,
        )  # fmt: skip
        report.artefact("model", pipeline.model)

    with stage("generate", seconds, report):
        generated = generate(
            pipeline.model,
            pipeline.track,
            pipeline.frames,
            person=pipeline.person,
            motion=pipeline.motion,
            mp4=pipeline.movie,
            video=pipeline.video,
            report=report,
        )
        times = np.array(FrameFolder.read(pipeline.frames).times)
        frames = [frame_path(pipeline.frames, index) for index in range(len(times))]
        contact_sheet(pipeline.video, track, times, frames, pipeline.contact_sheet)
        report.artefact("frames", pipeline.frames)
        report.artefact("contact sheet", pipeline.contact_sheet)

    with stage("strip", seconds, report):
        everyone = frames_of_everyone(pipeline.out, track.video["sha256"])
        save_strip_blend(everyone, pipeline.video, pipeline.scene)
        report.artefact("Blender file", pipeline.scene)

    result = {
        "video": track.video,
        "rig": pipeline.rig,
        "seconds": seconds,  # of this run; a resumed stage counts only what was left of it
        "capture": {"frames": track.frames, **track.header["people"][0]["seen"]},
        "retarget": {
            "frames": motion.frame_count,
            "mean_residual": residual_in_words(motion),
            "confidence": round(float(motion.confidence.mean()), 3),
        },
        "render": {"samples": len(dataset.samples), "size": pipeline.size},
        "train": training,
        "generate": generated,
    }
    write_atomically(pipeline.report, json.dumps(result, indent=1) + "\n")
    report.artefact("report", pipeline.report)
    report.emit("summary", text=summary(pipeline, result))
    return {"report": str(pipeline.report)}


def summary(pipeline: Pipeline, result: dict[str, Any]) -> str:
    """What was made and what to open, for a person."""
    ours = result["train"]["rows"].get("ours", {})
    figures = "" if not ours else f", {ours['psnr_fg']:.1f} dB on the figure in the clip's held-out last fifth"
    return "\n".join(
        [
            "",
            f"From {result['capture']['frames']} frames of {pipeline.video.name}, in {sum(result['seconds'].values()) / 60:.1f} minutes:",
            f"  {pipeline.movie}  the anime, with the video's sound",
            f"  {pipeline.scene}  open it in Blender: movie and image strips in the sequencer",
            f"  {pipeline.contact_sheet}  source, skeleton and generated frames side by side",
            f"  {pipeline.dataset}  {result['render']['samples']} pairs of picture and pose",
            f"  {pipeline.model}  the generator{figures}",
            f"  {pipeline.report}  the figures",
        ]
    )


@contextmanager
def stage(name: str, seconds: dict[str, float], report: Reporter) -> Iterator[None]:
    """Announces a stage and notes how long it took."""
    report.stage(name)
    start = time.monotonic()
    yield
    seconds[name] = round(time.monotonic() - start, 1)
