# SPDX-License-Identifier: GPL-3.0-or-later
"""From a track and rigs to motions: what is solved in a person's metres comes to stand in the rigs' world."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....jobs.progress import SILENT, Reporter
from ...pose.track import PoseTrack
from ..body import SPINE
from ..closed_form import Person, moved_bones, prepare
from ..face import expressions_on_clock
from ..feet import hold_feet
from ..hands import hand_turns
from ..head import head_turns
from ..kinematics import Array, continuous, local_from_turns, matrix_to_quaternion, slerp_matrices
from ..markers import TORSO_AND_LEGS
from ..motion import Camera, Motion
from ..rig import Rig
from ..root import standing_height
from .skeleton import SCALES, Skeleton, attached, human_proportions, leg_length, posed, skeleton_of
from .solve import solve
from .start import observe, tilt_of
from .terms import State
from .view import KnownCamera

GIVEN = {"focal_px": "focal_px", "height": "camera_height", "pitch": "camera_pitch"}  # what is known, as the estimate calls it
PERSON_HEIGHT = 1.7  # metres, of a person whose rig does not tell
HUMAN_HEIGHTS = (1.2, 2.2)  # of rigs that are taken for the person's size
PIECE = 512  # frames
WRONG = 0.08  # distance from the landmarks, as a share of the person's height, at which a frame's confidence falls to 1/e


def retarget(
    track: PoseTrack,
    rig: Rig,
    *,
    person: int = 0,
    fps: float | None = None,
    camera: KnownCamera | None = None,
    person_height: float | None = None,
    fast: bool = False,
    track_name: str = "",
    report: Reporter = SILENT,
) -> Motion:
    """The motion of one person of `track` on `rig`, as `closed_form.retarget` gives it, by the solver.

    `camera` says what is known of it; `person_height` in metres (default: the rig's, if that is a person's) makes a known camera height
    mean what it says. `fast` takes fewer steps. The same input gives the same motion. Raises UserError as the closed form does.
    """
    motions = retarget_people(
        track, {person: rig}, fps=fps, camera=camera, person_height=person_height, fast=fast, track_name=track_name, report=report
    )
    return motions[person]


def retarget_people(
    track: PoseTrack,
    rigs: Mapping[int, Rig],
    *,
    fps: float | None = None,
    camera: KnownCamera | None = None,
    person_height: float | None = None,
    fast: bool = False,
    track_name: str = "",
    report: Reporter = SILENT,
) -> dict[int, Motion]:
    """The motions of several people on a rig each, in one world and through one camera.

    The first one's clip tells the camera, begins where their rig stands, and stands on its floor; the others stand on the same floor where
    they are seen to stand. Raises UserError as the closed form does.
    """
    known, motions = camera or KnownCamera(), {}
    common: _World | None = None
    for number, (person, rig) in enumerate(rigs.items()):

        def progress(done: int, total: int, before: int = number, who: int = person) -> None:
            report.progress(before * total + done, len(rigs) * total, "steps", note=f"person {who}" if len(rigs) > 1 else "")

        seen = prepare(track, person, fps)
        rate = float(fps or track.fps)
        solved = _solve(rig, seen, rate, track.size, known, person_height, fast, progress)
        if common is None:
            common = _world(rig, solved, rate)
            known = KnownCamera(solved.state.view.focal, solved.state.view.height, math.degrees(solved.state.view.pitch))
        motion = _motion(track, rig, person, seen, rate, solved, common, camera or KnownCamera(), track_name)
        if motions:  # everybody was seen through one camera
            motion = dataclasses.replace(motion, camera=next(iter(motions.values())).camera)
        motions[person] = motion
        progress(1, 1)
    return motions


@dataclass(frozen=True)
class _Solved:
    skeleton: Skeleton
    state: State
    turns: Array  # (F, S, 3, 3) of the skeleton's segments
    contact: Array
    landmarks: Array
    to_rig: float  # the rig's metres for one of the person's
    lift: float  # the rig's hips' height for one of the person's
    residual: Array  # (F,) share of the person's height in the picture


@dataclass(frozen=True)
class _World:
    """Where a person's world comes to lie: world = to_rig · place + origin."""

    to_rig: float
    origin: Array


def _solve(
    rig: Rig, seen: Person, rate: float, size: tuple[int, int], known: KnownCamera, person_height: float | None, fast: bool, progress: Any
) -> _Solved:
    tall = person_height or (rig.height if HUMAN_HEIGHTS[0] <= rig.height <= HUMAN_HEIGHTS[1] else PERSON_HEIGHT)
    skeleton = skeleton_of(rig, tall / rig.height)
    scales = human_proportions(skeleton, tall)
    observed, first, landmarks = observe(rig, skeleton, scales, seen, rate, size, known)
    state, contact = solve(skeleton, observed, first, known, fast=fast, progress=progress)
    body = posed(skeleton, state.root, state.free, state.vectors, state.scales, derivatives=False)
    at = [skeleton.landmarks.index(k) for k in TORSO_AND_LEGS]
    markers = attached(body, skeleton.markers)[0][:, at]
    miss = np.sum((state.view.project(markers)[0] - observed.pixels[:, TORSO_AND_LEGS]) ** 2, -1)
    weight = observed.weight[:, TORSO_AND_LEGS] + 1e-3
    rms = np.sqrt(np.sum(weight * miss, 1) / np.sum(weight, 1))
    # Where the hips are in a person is not seen well: that their legs are estimated longer or shorter than likely changes how high the rig
    # carries its hips, but not how far it travels.
    to_rig, lift = (rig.leg_length / leg_length(skeleton, s) for s in (scales, state.scales))
    heights = np.maximum(np.ptp(seen.detected_pixels[..., 1], axis=1), 1.0)
    return _Solved(skeleton, state, body.turns, contact, landmarks, to_rig, lift, rms / heights)


def _world(rig: Rig, solved: _Solved, rate: float) -> _World:
    start = np.median(solved.state.root[: max(round(0.5 * rate), 1)], axis=0) * solved.to_rig
    hips = rig.rest_heads[rig.index_of_role["hips"]]
    return _World(solved.to_rig, np.array([*(hips[:2] - start[:2]), standing_height(rig)]))


def _motion(
    track: PoseTrack, rig: Rig, person: int, seen: Person, rate: float, solved: _Solved, world: _World, given: KnownCamera, name: str
) -> Motion:
    state = solved.state
    turns = solved.skeleton.turns_on_rig(solved.turns)
    turns.update(_head_and_hands(rig, seen, solved, turns))
    bones = moved_bones(rig)
    # In pieces, since the matrices of all bones are many times what they end up as.
    pieces = (slice(start, start + PIECE) for start in range(0, len(seen.time), PIECE))
    rotations = (local_from_turns(rig, {role: turn[piece] for role, turn in turns.items()})[0][:, bones] for piece in pieces)
    rotation = np.concatenate([matrix_to_quaternion(local).astype(np.float32) for local in rotations])

    # The first person's rig fixes the world's scale. Another's travel is their own legs', about the place where they were seen.
    middle = np.median(state.root, axis=0) * (1.0, 1.0, 0.0)
    root = (state.root - middle) * (solved.to_rig, solved.to_rig, solved.lift) + middle * world.to_rig + world.origin
    view = state.view
    look = view.rotation
    eye = np.array([0.0, 0.0, view.height]) * world.to_rig + world.origin
    camera = Camera(view.focal, view.width_px, view.height_px, np.concatenate([look, -(look @ eye)[:, None]], 1))

    visible = np.mean(seen.visibility[:, TORSO_AND_LEGS], axis=1)
    expressions, expression = expressions_on_clock(track, person, seen.time)
    motion = Motion(
        fps=rate,
        bones=tuple(rig.names[i] for i in bones),
        time=seen.time,
        rotation=continuous(rotation).astype(np.float32),
        root_position=root.astype(np.float32),
        contact=solved.contact.astype(np.float32),
        residual=(100 * solved.residual).astype(np.float32),
        confidence=(seen.present * visible * np.exp(-((solved.residual / WRONG) ** 2))).astype(np.float32),
        rig=rig,
        camera=camera,
        source={"track": name, "video": track.video["name"], "person": int(person)},
        expressions=expressions,
        expression=expression,
        method="solver",
        estimate={
            "focal_px": round(view.focal, 1),
            "camera_height": round(view.height, 3),
            "camera_pitch": round(math.degrees(view.pitch), 2),
            "proportions": {part: round(float(math.exp(s)), 3) for part, s in zip(SCALES, state.scales, strict=True)},
            "given": [GIVEN[field.name] for field in dataclasses.fields(given) if getattr(given, field.name) is not None],
        },
    )
    return hold_feet(rig, motion, floor=world.origin[2])


def _head_and_hands(rig: Rig, seen: Person, solved: _Solved, turns: dict[str, Array]) -> dict[str, Array]:
    """Turns of the head and the hands from their own landmarks, where those were seen."""
    tilt = tilt_of(solved.state.view.pitch)
    chest = turns[[role for role in SPINE if role in turns][-1]]
    unseen = np.zeros(len(seen.time))
    out = {}
    # Where the face is half believed the solver's own head is the other half, not the chest.
    face_there = (seen.face_seen > 0).astype(np.float64)
    for role, turn in head_turns(rig, chest, solved.landmarks, unseen, tilt @ seen.face, face_there, seen.time).items():
        if role in turns:
            out[role] = slerp_matrices(turns[role], turn, seen.face_seen)
    out.update(hand_turns(rig, seen.hands @ tilt.T, seen.hand_seen, turns, seen.time, view=tilt[:, 1]))
    return out
