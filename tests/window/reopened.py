# SPDX-License-Identifier: GPL-3.0-or-later
"""The saved .blend in a new Blender: jobs are found again, strips and Action are there, and the add-on goes without a trace."""

from __future__ import annotations

import addon_utils
import bpy
from press import addon, jobs


def steps(hand):
    yield from hand.open_tab()
    yield from hand.shot("reopened")
    scene = bpy.context.scene
    editor = scene.sequence_editor
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    hand.note(
        jobs=[(job.verb, job.view.state) for job in jobs().JOBS],
        strips=sorted(strip.type for strip in strips),
        action=bool(scene.ningyo.motions and scene.ningyo.motions[0].action),
        watching=bpy.app.timers.is_registered(jobs().tick),
    )
    addon_utils.disable(addon(), default_set=False)
    yield from hand.settle()
    hand.note(left=[name for name in dir(bpy.types) if name.upper().startswith("NINGYO")], property_left=hasattr(bpy.types.Scene, "ningyo"))
    yield from hand.shot("disabled")
