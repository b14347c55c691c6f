# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips of frames with the sequencer's preview open, in which Blender renders ahead: backgrounds to and fro, undone and done again."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path

import bpy
import numpy as np
from press import addon

COUNT = 150


def steps(hand):
    tried = json.loads(os.environ["NINGYO_TRIED"])
    video = Path(tried["video"])
    bpy.ops.wm.save_as_mainfile(filepath=str(hand.results / "undo.blend"))
    settings = bpy.context.scene.ningyo
    settings.video, settings.output = str(video), str(hand.results / "made")
    frames = importlib.import_module(f"{addon()}.addon.properties").plan_of(bpy.context).files.frames
    _draw(frames, video.name)
    hand.area("SEQUENCE_EDITOR").spaces.active.view_type = "SEQUENCER_PREVIEW"
    yield from hand.open_tab("SEQUENCE_EDITOR")
    hand.press("ningyo.add_strips", "SEQUENCE_EDITOR")
    _choose()
    bpy.ops.ed.undo_push(message="Select")
    picture = next(frames.glob("*.png"))
    for _ in range(3):
        for file in ("", str(picture)):
            _press(hand, "strip_background", kind="FILE" if file else "COLOR", filepath=file)
            yield from hand.settle(1.0)
            before = _strips()
            for act in ("undo", "redo"):
                with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
                    getattr(bpy.ops.ed, act)()
                yield from hand.settle(1.0)
                assert (_strips() == before) == (act == "redo"), (act, _strips(), before)
        _press(hand, "strip_background", kind="VIDEO")
        yield from hand.settle(1.0)
    hand.note(strips=_strips())
    yield from hand.shot("backgrounds")


def _draw(frames: Path, video: str) -> None:
    png = importlib.import_module(f"{addon()}.synth_data.dataset.png")
    frames.mkdir(parents=True)
    for index in range(COUNT):
        picture = np.zeros((512, 448, 4), np.uint8)
        picture[:, index : index + 100] = 255
        (frames / f"{index:06d}.png").write_bytes(png.encode_png(picture))
    (frames / "frames.json").write_text(json.dumps({"fps": 25, "count": COUNT, "size": [448, 512], "video": {"name": video}}), "utf-8")


def _editor():
    return bpy.context.window_manager.windows[0].scene.sequence_editor


def _all():
    return list(_editor().strips_all if hasattr(_editor(), "strips_all") else _editor().sequences_all)


def _choose() -> None:
    _editor().active_strip = next(strip for strip in _all() if strip.name == "Ningyo")


def _strips() -> list[tuple[str, str, int, bool]]:
    return sorted((strip.name, strip.type, strip.channel, strip.mute) for strip in _all())


def _press(hand, name: str, **settings) -> None:
    window, area = bpy.context.window_manager.windows[0], hand.area("SEQUENCE_EDITOR")
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        getattr(bpy.ops.ningyo, name)("INVOKE_DEFAULT", True, **settings)
