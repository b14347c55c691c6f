# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample clip's lifelike figure as a rig, and its performance as a clip: a human with a face and skinned hands, needing no files."""

from __future__ import annotations

import os
from pathlib import Path

import bpy
import numpy as np
from ningyo.synth_data.characters.actor_clip import ACTOR, build_scene
from ningyo.synth_data.characters.actor_motion import SECONDS, perform
from ningyo.synth_data.characters.builtin.build import geometry
from ningyo.synth_data.characters.builtin.skeleton import both_sides
from ningyo.synth_data.characters.importing import rig_for
from ningyo.synth_data.retarget.roles import ROLE_OF_BASE_NAME

from .performance import Clip, rest_directions


def save_figure(path: Path) -> None:
    """Write the figure as a .blend that can be loaded as a character. Empties Blender."""
    if path.is_file():
        return
    build_scene()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem}.part.blend")
    bpy.ops.wm.save_as_mainfile(filepath=str(beside.absolute()), check_existing=False, copy=True, compress=True)
    os.replace(beside, path)


def read_performance(figure: Path, fps: float) -> Clip:
    """The whole performance at `fps`; `figure` is what `save_figure` wrote."""
    joints = geometry(ACTOR, 1).figure.joints
    rig = rig_for(figure)
    frames = [perform(i / fps, joints) for i in range(round(SECONDS * fps))]
    hips = np.array([at for at, _ in frames]) - both_sides(joints)["Hips"]
    names = {name: ROLE_OF_BASE_NAME[name] for name in frames[0][1] if name in ROLE_OF_BASE_NAME}
    turns = {role: np.array([world[name] for _, world in frames]) for name, role in names.items()}
    return Clip(fps, turns, hips / rig.leg_length, rest_directions(rig), True)
