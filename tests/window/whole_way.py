# SPDX-License-Identifier: GPL-3.0-or-later
"""Every step of the path on the embedded sample, with a small model; the worker is killed in the middle of its training and goes on."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import bpy
from press import jobs

TRACEBACKS = 2000


def steps(hand):
    tried = json.loads(os.environ["NINGYO_TRIED"])
    place = Path(tried["place"])
    bpy.ops.wm.save_as_mainfile(filepath=str(place / "人形 test.blend"))
    settings = bpy.context.scene.ningyo
    settings.video = bpy.path.relpath(tried["video"])
    settings.output = "//out put"
    settings.character = "BUILTIN"
    settings.seed = 0
    settings.minutes, settings.size, settings.count, settings.fast = 0.6, 128, 48, True
    yield from hand.open_tab()
    yield from hand.shot("chosen")

    yield from _job(hand, "capture", 300)
    hand.press("ningyo.retarget")
    yield from hand.until(lambda: bool(bpy.context.scene.ningyo.motions), 300)
    yield from _ended(hand, "retarget", 300)
    hand.note(action=bpy.context.scene.ningyo.motions[0].action.name)
    yield from hand.shot("motion")
    yield from _job(hand, "render", 600)

    hand.press("ningyo.train")
    training = jobs().newest("train")
    yield from hand.until(lambda: training.view.progress.get("done", 0) > 12, 300)
    yield from hand.shot("training")
    os.kill(training.process.pid, signal.SIGKILL)
    yield from hand.until(lambda: not training.is_running, 60)
    hand.note(killed=training.view.state, killed_words=training.view.error)
    yield from hand.shot("killed")
    hand.press("ningyo.retry", job=str(training.folder))
    yield from _ended(hand, "train", 300)
    yield from _job(hand, "generate", 600)
    scene = bpy.context.scene
    editor = scene.sequence_editor
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    images = [strip for strip in strips if strip.type == "IMAGE"]
    hand.note(strips=sorted(strip.type for strip in strips), frames=[len(strip.elements) for strip in images])
    frames = sorted(Path(bpy.path.abspath(images[0].directory)).glob("*.png"))
    hand.note(pictures=len(frames), empty=[path.name for path in frames if path.stat().st_size == 0])
    yield from hand.open_tab("SEQUENCE_EDITOR")
    yield from hand.shot("strips")
    hand.note(blend=bpy.data.filepath)
    bpy.ops.wm.save_mainfile()


def _job(hand, verb, seconds):
    before = jobs().newest(verb)
    hand.press(f"ningyo.{verb}")
    assert jobs().newest(verb) is not before, f"{verb} started no job"
    yield from _ended(hand, verb, seconds)
    yield from hand.shot(verb)


def _ended(hand, verb, seconds):
    job = jobs().newest(verb)
    yield from hand.until(lambda: not job.is_running, seconds)
    if job.view.state != "done":
        log = job.folder / "log.txt"
        raise AssertionError(f"{verb}: {job.view.state}, {job.view.error}\n{log.read_text('utf-8', 'replace')[-TRACEBACKS:]}")
    yield from hand.settle(1.5)  # what follows a job's end is done by the timer
