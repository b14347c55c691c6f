# SPDX-License-Identifier: GPL-3.0-or-later
"""A posed rig's joints and bones drawn over the video it was made from, through the motion's camera: to look at and judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...jobs.progress import SILENT, Reporter
from ..pose.colours import person_colour
from ..retarget.edit import DOWN, floor_of, posed
from ..retarget.motion import TRUSTED, Camera, Motion
from ..retarget.resample import resample
from ..retarget.rig import Rig
from ..retarget.roles import FINGERS
from ..retarget.root import soles
from ..video.read import probe, read_frames
from ..video.write import MovieWriter
from .labels import Label, draw_labels
from .layer import Colour, Layer
from .overlay import LEFT, RIGHT

GREY: Colour = (165, 165, 165)  # of frames that are not to be trusted
CONTACT: Colour = (80, 235, 90)
FLOOR: Colour = (255, 255, 255)
HALO, FLOOR_OPACITY = 0.5, 0.35
NEAREST = 0.05  # metres before the camera; what is nearer is not drawn
GRID_REACH, GRID_STEP, GRID_PIECES = 3, 1.0, 12  # metres around the person, metres, pieces of a line a metre
SOLES = (0, 1, 3, 4)  # of `root.soles`: left heel, left ball, right heel, right ball


@dataclass(frozen=True)
class _Person:
    """One motion in the picture, by frame. `bones` are pairs of the rig's bones, `thickness` is relative."""

    person: int
    time: NDArray[np.float64]  # (F,) seconds
    pixels: NDArray[np.float64]  # (F, B, 2), NaN behind the camera
    depth: NDArray[np.float64]  # (F, B) metres
    soles: NDArray[np.float64]  # (F, 4, 2) heels and balls, px
    contact: NDArray[np.float32]  # (F, 4)
    confidence: NDArray[np.float32]  # (F,)
    bones: tuple[tuple[int, int], ...]
    colours: tuple[Colour, ...]  # of each bone's far joint
    fine: tuple[bool, ...]  # fingers
    tall: float  # px, the median over the frames


def write_motion_overlay(video: Path | str, people: Sequence[tuple[Rig, Motion]], path: Path | str, *, report: Reporter = SILENT) -> None:
    """Write an .mp4 of the part of the `video` that the motions last, at its own times and with its sound, with every rig's joints and
    bones as its motion's camera sees them.

    The left side is orange, the right blue, the middle has the person's colour; green squares are heels and toes on the floor; white lines
    are metres on the floor; frames that are not to be trusted are grey. One frame is held at a time.

    UserError if a motion has no camera, moves bones its rig lacks, or belongs to another video, or the video cannot be read.
    """
    info = probe(video)
    size = info.width, info.height
    drawn = [_prepared(rig, motion, Path(video).name, size) for rig, motion in people]
    grid = _floor_lines(*people[0])
    margin = 0.5 / float(info.fps)
    start, end = min(d.time[0] for d in drawn) - margin, max(d.time[-1] for d in drawn) + margin
    expected = round((end - start) * float(info.fps))
    frames = read_frames(video, max(start, 0.0), end)
    opening = next(frames, None)
    if opening is None:
        raise UserError(f"{Path(video).name} ends before the motion begins; give the video that it was made from.")
    with MovieWriter(path, info.fps, size, sound_from=video, sound_start=opening.time) as movie:
        for frame in chain([opening], frames):
            movie.write(motion_picture(frame.rgb, frame.time, drawn, grid, margin), frame.time - opening.time)
            report.progress(movie.frames, max(expected, movie.frames), "overlay frames")
    if movie.sound_problem:
        report.warning(f"The overlay's sound is incomplete: {movie.sound_problem}.")


def motion_picture(
    rgb: NDArray[Any], time: float, people: Sequence[_Person], grid: Sequence[NDArray[Any]] = (), margin: float = 0.0
) -> NDArray[Any]:
    """A copy of the picture (H, W, 3) uint8 at `time` seconds with the rigs drawn over it that have a frame within `margin` seconds."""
    out = rgb.copy()
    height, width = out.shape[:2]
    layer = Layer(out, np.array([0, 0, width, height]))
    for line in grid:  # a dark rim, so that it shows on bright floors too
        layer.line(line, (0, 0, 0), 3, 0.5 * FLOOR_OPACITY)
    for line in grid:
        layer.line(line, FLOOR, 1, FLOOR_OPACITY)
    layer.mix_in()
    parts: list[tuple[str, Colour]] = []
    there = [p for p in people if p.time[0] - margin <= time <= p.time[-1] + margin]
    for person in sorted(there, key=lambda p: p.tall):
        sure = _draw_person(out, person, time)
        text = "not to be trusted" if sure < TRUSTED else f"{sure:.0%}"
        parts.append((f"{person.person}: {text}" if len(people) > 1 else text, GREY if sure < TRUSTED else person_colour(person.person)))
    draw_labels(out, [Label(f"{time:.2f} s", tuple(parts), np.array([0, height, 0, height]), (235, 235, 235), True, 0)])
    return out


def _prepared(rig: Rig, motion: Motion, video: str, size: tuple[int, int]) -> _Person:
    camera = motion.camera
    if camera is None:
        raise UserError("This motion has no camera that sees it as the video does; take one that was not mirrored or put in place.")
    if (camera.width, camera.height) != size:
        raise UserError(
            f"{video} is not the video that the motion was made from: its pictures are {size[0]}×{size[1]}, not "
            f"{camera.width}×{camera.height}."
        )
    heads, turns = posed(rig, motion)
    pixels, depth = _seen(camera, heads)
    standing, _ = _seen(camera, soles(rig, heads, turns)[:, SOLES])
    bones, colours, fine = [], [], []
    person = int(motion.source.get("person") or 0)
    for bone, role in ((b, bone.role) for b, bone in enumerate(rig.bones) if bone.role is not None):
        above = int(rig.parents[bone])
        while above >= 0 and rig.bones[above].role is None:
            above = int(rig.parents[above])
        if above >= 0 and not role.endswith("_eye"):
            bones.append((above, bone))
            colours.append(LEFT if role.startswith("left_") else RIGHT if role.startswith("right_") else person_colour(person))
            fine.append(any(finger in role for finger in FINGERS))
    used = pixels[:, sorted({bone for pair in bones for bone in pair})]
    tall = float(np.nanmedian(np.ptp(used[..., 1], axis=1))) if np.isfinite(used).all(axis=(1, 2)).any() else 0.0
    return _Person(
        person, motion.time, pixels, depth, standing, motion.contact, motion.confidence, tuple(bones), tuple(colours), tuple(fine), tall
    )


def _seen(camera: Camera, points: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pixels, depth = camera.project(points)
    return np.where(depth[..., None] > NEAREST, pixels, np.nan), depth


def _draw_person(out: NDArray[Any], person: _Person, time: float) -> float:
    """Draws the rig as it is at `time` and returns the confidence of the nearest frame."""
    wanted = np.array([time])
    pixels, depth, standing = (resample(a, person.time, wanted)[0] for a in (person.pixels, person.depth, person.soles))
    nearest = int(np.argmin(np.abs(person.time - time)))
    sure, down = float(person.confidence[nearest]), person.contact[nearest] > DOWN
    grey = sure < TRUSTED
    seen = pixels[np.isfinite(pixels).all(axis=1)]
    if not len(seen):
        return sure
    thick = max(1, round(person.tall / 130))
    box = np.r_[seen.min(axis=0), seen.max(axis=0)] + np.repeat([-1, 1], 2) * (6 * thick + 6)
    layer = Layer(out, box)
    # From far to near, each with its own dark rim, so that a near limb is seen to cross a far one.
    order = sorted(range(len(person.bones)), key=lambda k: -depth[list(person.bones[k])].mean())
    for k in order:
        a, b = person.bones[k]
        if not person.fine[k]:  # fingers lie so close that their rims would hide each other
            layer.line(pixels[[a, b]], (0, 0, 0), thick + 2, HALO)
        layer.line(pixels[[a, b]], GREY if grey else person.colours[k], max(1, round(0.4 * thick)) if person.fine[k] else thick, 1.0)
    for k in order:
        joint = person.bones[k][1]
        if not person.fine[k]:
            layer.dot(pixels[joint], (0, 0, 0), 1.0 * thick + 1, 0.8)
            layer.dot(pixels[joint], (255, 255, 255) if not grey else GREY, 0.75 * thick, 1.0)
    for point, on_floor in zip(standing, down, strict=True):
        if on_floor:
            layer.square(point, (0, 0, 0), 3.0 * thick + 4, 0.8)
            layer.square(point, GREY if grey else CONTACT, 3.0 * thick + 1, 1.0)
    layer.mix_in()
    return sure


def _floor_lines(rig: Rig, motion: Motion) -> list[NDArray[np.float64]]:
    """Lines one metre apart on the floor around where the motion is, as pieces (2, 2) px short enough to end near the camera."""
    if motion.camera is None:
        return []
    middle = np.round(np.median(motion.root_position[:, :2], axis=0) / GRID_STEP) * GRID_STEP
    floor = floor_of(rig, motion)
    along = np.linspace(-GRID_REACH, GRID_REACH, 2 * GRID_REACH * GRID_PIECES + 1)
    lines = []
    for offset in np.arange(-GRID_REACH, GRID_REACH + GRID_STEP / 2, GRID_STEP):
        for across in (False, True):
            x, y = (np.full_like(along, offset), along) if across else (along, np.full_like(along, offset))
            pixels, _ = _seen(motion.camera, np.stack([x + middle[0], y + middle[1], np.full_like(along, floor)], -1))
            whole = np.isfinite(pixels).all(axis=1)
            cuts = np.flatnonzero(np.diff(np.r_[False, whole, False].astype(np.int8)))
            lines += [pixels[a:b] for a, b in zip(cuts[::2], cuts[1::2], strict=True) if b - a > 1]
    return lines
