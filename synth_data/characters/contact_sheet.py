# SPDX-License-Identifier: GPL-3.0-or-later
"""Many characters in one picture, to judge them by eye."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...jobs.folder import write_atomically
from ...jobs.progress import SILENT, Reporter
from ..dataset.png import encode_png
from ..retarget.kinematics import rotations_of
from ..retarget.motion import Motion
from ..retarget.rig import Rig
from ..retarget.secondary import with_secondary
from ..retarget.transfer import on_rig
from .demo_poses import demo_pose

Array = npt.NDArray[np.float64]
Posing = Callable[[Rig], tuple[Array, Array]]
# View → yaw and elevation in degrees (0: from the front, 90: from the character's left), and whether it shows the head alone.
VIEWS = {"front": (12.0, 4.0, False), "back": (168.0, 4.0, False), "side": (90.0, 4.0, False), "closeup": (18.0, 2.0, True)}
_BACKGROUND = np.array([236.0, 238.0, 243.0])
_TALLEST = 2.3  # metres that a picture shows from bottom to top: all characters at one scale
_DISTANCE = 9.0  # metres to the camera: nearly parallel
_HEAD = 0.62  # metres in a close-up
_OUTLINE = 1.25  # px


@dataclass(frozen=True)
class Sheet:
    """`specs` of characters, one a cell; `columns` cells in a row, each `size` px high."""

    specs: Sequence[str]
    columns: int = 6
    size: int = 256
    view: str = "front"


def contact_sheet(sheet: Sheet, posing: Sequence[Posing], out: Path, *, report: Reporter = SILENT) -> None:
    """Render the characters of a sheet and write them as one PNG. `posing` is gone through again and again: cell by cell the next one.

    Empties Blender. Raises UserError as `load_character`, and where a motion does not fit a rig.
    """
    import bpy

    out.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    cells = []
    for index, spec in enumerate(sheet.specs):
        cells.append(_cell(spec, posing[index % len(posing)], sheet, out.with_name(f".{out.stem}.cell.tga")))
        report.progress(index + 1, len(sheet.specs), "characters")
    wide, columns = max(_needed_width(cell) for cell in cells), min(sheet.columns, len(cells))
    cells = [_middle(cell, wide) for cell in cells]
    cells += [np.broadcast_to(_BACKGROUND, cells[0].shape)] * (-len(cells) % columns)
    rows = [np.concatenate(cells[i : i + columns], axis=1) for i in range(0, len(cells), columns)]
    write_atomically(out, encode_png(np.rint(np.concatenate(rows)).astype(np.uint8)))


def _cell(spec: str, posing: Posing, sheet: Sheet, scratch: Path) -> Array:
    """(S, S, 3) 0…255: one character. All that this module asks of the renderer is here."""
    from ..render.cameras import View, look_at
    from ..render.poses import Pose
    from ..render.scene import open_stage
    from ..render.surface import seen_through

    yaw, elevation, close = VIEWS[sheet.view]
    with open_stage(spec, scratch, detail="full") as stage:
        local, root = posing(stage.rig)
        pose = Pose(local, root)
        heads, rotations = pose.evaluate(stage.rig)
        stage.set_pose(pose, rotations)
        if close:
            target = heads[stage.rig.index_of_role["head"]] + (0, 0, 0.09)
            extent = _HEAD
        else:
            # The floor at the same place in every cell.
            target = np.array([root[0], root[1], 0.44 * _TALLEST])
            extent = _TALLEST
        focal = sheet.size * _DISTANCE / extent
        K = np.array([[focal, 0, sheet.size / 2], [0, focal, sheet.size / 2], [0, 0, 1.0]])
        view = View(K, look_at(target, yaw, elevation, _DISTANCE), sheet.size, yaw, elevation, _DISTANCE)
        stage.set_outline(_OUTLINE * extent / sheet.size)
        stage.aim(view)
        rgba = stage.render(seen_through(view, stage.surface())).astype(np.float64)
    alpha = rgba[..., 3:] / 255
    return rgba[..., :3] * alpha + _BACKGROUND * (1 - alpha)


def _needed_width(cell: Array) -> int:
    """Columns around the middle that hold everything, with a margin."""
    used = np.flatnonzero(np.abs(cell - _BACKGROUND).max(axis=(0, 2)) > 1)
    size = cell.shape[1]
    if len(used) == 0:
        return size // 3
    reach = max(size / 2 - used[0], used[-1] + 1 - size / 2)
    return int(min(size, 2 * reach + 0.06 * size)) // 2 * 2


def _middle(cell: Array, width: int) -> Array:
    left = (cell.shape[1] - width) // 2
    return cell[:, left : left + width]


def named_pose(name: str) -> Posing:
    """One of the built-in poses."""
    return lambda rig: demo_pose(rig, name)


def motion_poses(motion: Motion, count: int) -> list[Posing]:
    """`count` frames of a motion, evenly spread, in one place. The motion is transferred to each rig, and what hangs swings along."""

    def posing(frame: int) -> Posing:
        def put(rig: Rig) -> tuple[Array, Array]:
            moved = with_secondary(on_rig(motion, rig), rig)
            return rotations_of(rig, moved)[frame], moved.root_position[frame].astype(np.float64) * (0.0, 0.0, 1.0)

        return put

    return [posing(int(frame)) for frame in np.linspace(0, motion.frame_count - 1, count)]
