# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseTrack → Motion in closed form: no solver, no worker; numpy alone, so it runs inside Blender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...jobs.progress import SILENT, Reporter
from ..pose.filters import fill_gaps, savitzky_golay
from ..pose.rows import body_seen
from ..pose.track import PoseTrack
from .body import SIDES, foot, limb, rest_joints, torso
from .contacts import contacts
from .face import expressions_on_clock
from .feet import hold
from .hands import hand_turns
from .head import FACE_INDEX, ear_turns, face_trust, face_turns, head_turns, level_with_ears, nearest_rotations, smoothed
from .kinematics import Array, continuous, local_from_turns, matrix_to_quaternion, pose, unit
from .level import LEAST_SECONDS, foot_droop, lean, levelled
from .markers import TORSO_AND_LEGS, joints_from_landmarks, marker_positions
from .motion import Camera, Motion
from .rig import Rig
from .root import guessed_focal, height_correction, place_before_camera, sliding_correction, soles, standing_height

SMOOTH_SECONDS = 0.35
ROOT_SECONDS, DEPTH_SECONDS = 0.5, 1.0  # the distance from the camera is the least sure
SHIFT_SECONDS = 0.7
# Where a rig's proportions are not the person's, not all of it can lie over them; then the feet shall, since they are seen to stand.
ANKLES, ANKLE_WEIGHT = (27, 28), 4.0
HEELS_AND_TOES = (29, 31, 30, 32)
HAND_SCORES = 0.5, 1.0  # a hand of the first hardly counts, one of the second fully
FADE_SECONDS = 0.25  # in which a hand or a face that comes into view takes over
# Bones whose direction the landmarks tell, for the residual: bone's role → role at its far end.
SEEN_BONES = {
    f"{side}_{upper}": f"{side}_{lower}"
    for side in SIDES
    for upper, lower in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))
}


@dataclass
class Person:
    """One person of a track on an even clock, without gaps: landmarks with Z up (X right, Y into the picture), metres."""

    time: Array  # (F,)
    detected: Array  # (F, 33, 3) as detected, in the camera's axes: before smoothing, moving onto rays and levelling
    detected_pixels: Array  # (F, 33, 2)
    raw: Array  # (F, 33, 3) before smoothing
    body: Array  # (F, 33, 3)
    pixels: Array  # (F, 33, 2)
    visibility: Array  # (F, 33) 0…1
    present: Array  # (F,) 0…1: seen, not bridged
    hands: Array  # (F, 2, 21, 3)
    hand_seen: Array  # (F, 2) 0…1, fading
    face: Array  # (F, 3, 3) how the face is turned, from `head.face_turns`
    face_seen: Array  # (F,) 0…1, fading
    droop: float | None  # pitch downwards, radians, at which the landmarks of flat feet lie; None: not known


def retarget(
    track: PoseTrack, rig: Rig, *, person: int = 0, fps: float | None = None, track_name: str = "", report: Reporter = SILENT
) -> Motion:
    """The motion of one person of `track` on `rig`.

    `person` is an id from the track; `fps` the motion's rate (default: the video's), resampled by time stamps. Directions between landmarks
    become the bones' directions in the rig's world (a camera looking along +Y, level); the root is where the posed rig covers the person in
    the picture through a guessed lens. The person is taken to have the rig's size, begins where the rig stands, and stands on its floor.
    The motion lasts from the person's first frame to their last, at times of the clip's clock: its first frame's plus k / `fps`.

    Raises UserError when the person is not in the track, was never seen in it, or was seen in two dimensions only.
    """
    steps = 4
    report.progress(0, steps, "steps")
    seen = prepare(track, person, fps)
    rate = float(fps or track.fps)
    report.progress(1, steps, "steps")
    turns = body_turns(rig, seen)
    turns.update(hand_turns(rig, seen.hands, seen.hand_seen, turns, seen.time))
    report.progress(2, steps, "steps")

    local, all_turns = local_from_turns(rig, turns)
    root, camera, down, miss = locate(rig, seen, local, all_turns, rate, track.size)
    local, root, down = hold(rig, local, root, down, rate, standing_height(rig))
    all_turns = rig.world_rotation @ pose(rig, local, root)[1] @ np.swapaxes(rig.rest_rotations, -1, -2)
    report.progress(3, steps, "steps")

    bones = moved_bones(rig)
    residual = _residual(rig, all_turns, seen)
    looks = np.mean(seen.visibility[:, TORSO_AND_LEGS], axis=1)
    expressions, expression = expressions_on_clock(track, person, seen.time)
    motion = Motion(
        fps=rate,
        bones=tuple(rig.names[i] for i in bones),
        time=seen.time,
        rotation=continuous(matrix_to_quaternion(local[:, bones])).astype(np.float32),
        root_position=root.astype(np.float32),
        contact=down.astype(np.float32),
        residual=residual.astype(np.float32),
        confidence=(seen.present * looks * np.exp(-((miss / 0.08) ** 2))).astype(np.float32),
        rig=rig,
        camera=camera,
        expressions=expressions,
        expression=expression,
        source={"track": track_name, "video": track.video["name"], "person": int(person)},
    )
    report.progress(steps, steps, "steps")
    return motion


def prepare(track: PoseTrack, person: int, fps: float | None) -> Person:
    """One person's landmarks from their first frame to their last: gaps filled, smoothed without lag, on an even clock."""
    at = np.flatnonzero(track.person_id == person)
    if len(at) == 0:
        known = ", ".join(str(i) for i in track.person_id)
        raise UserError(f"The track has no person {person}; it has: {known}.")
    p = int(at[0])
    there = np.isfinite(track.body_world[p]).all(axis=(1, 2)) & np.isfinite(track.body_image[p]).all(axis=(1, 2))
    if not there.any():
        if body_seen(track.body_image[p]).any():
            raise UserError("This track holds 2-D points alone, and a motion needs depth; make one of the video with `ningyo capture`.")
        raise UserError("Nobody was seen in this track; capture a video in which a person is large enough.")
    rate = float(fps or track.fps)
    if not np.isfinite(rate) or rate <= 0:
        raise UserError(f"A frame rate of {rate:g} is of no use; give --fps a positive number.")
    step = float(np.median(np.diff(track.time))) if track.frames > 1 else 1.0 / rate
    span = slice(int(np.flatnonzero(there)[0]), int(np.flatnonzero(there)[-1]) + 1)
    there, seconds = there[span], track.time[span]
    first, last = (int(np.floor((second - track.time[0]) * rate + 0.5)) for second in (seconds[0], seconds[-1]))
    time = track.time[0] + np.arange(first, last + 1) / rate

    def on_clock(values: npt.NDArray[Any]) -> Array:
        return _resample(np.asarray(values, np.float64), seconds, time)

    def smooth(values: Array, weights: Array | None = None) -> Array:
        return savitzky_golay(values, SMOOTH_SECONDS, seconds, weights)

    visibility = np.where(there[:, None], np.nan_to_num(track.body_visibility[p, span].astype(np.float64)), 0.0)
    world, pixels = (fill_gaps(np.asarray(a, np.float64), there) for a in (track.body_world[p, span], track.body_image[p, span, :, :2]))
    hand_world, hand_score = track.hand_world[p, span], track.hand_score[p, span]
    trust = visibility[..., None] + 0.05
    hand_there = np.isfinite(hand_world).all(axis=(2, 3)) & (hand_score > 0)
    face = track.face_image[p, span][:, FACE_INDEX]
    face_there = np.isfinite(face).all(axis=(1, 2)) & (track.face_score[p, span] > 0)
    sure = np.clip((hand_score - HAND_SCORES[0]) / (HAND_SCORES[1] - HAND_SCORES[0]), 0.05, 1)
    hands = np.zeros((len(seconds), 2, 21, 3))
    for hand in range(2):
        if hand_there[:, hand].any():
            hands[:, hand] = fill_gaps(hand_world[:, hand], hand_there[:, hand])
    faces = np.broadcast_to(np.eye(3), (len(seconds), 3, 3))
    if face_there.any():
        looks = np.broadcast_to(np.eye(3), (len(seconds), 3, 3)).copy()
        looks[face_there] = face_turns(face[face_there], track.size, guessed_focal(track.size[1]))
        faces = smoothed(nearest_rotations(fill_gaps(looks, face_there)), seconds, face_there.astype(np.float64))
    present = there & ~track.bridged[p, span]
    fade = max(round(FADE_SECONDS / step), 1)
    sizes = on_clock(visibility), track.size
    detected, detected_pixels, smooth_pixels = _z_up(on_clock(world)), on_clock(pixels), on_clock(smooth(pixels, trust))
    raw = on_rays(detected, detected_pixels, *sizes)
    body = on_rays(_z_up(on_clock(smooth(world, trust))), smooth_pixels, *sizes)
    droop = None
    if time[-1] - time[0] >= LEAST_SECONDS:
        angles = lean(body)
        raw, body = levelled(raw, angles), levelled(body, angles)
        droop = foot_droop(body)
    face_seen = on_clock(_fading(face_there, fade)) * face_trust(body)
    return Person(
        time=time,
        detected=detected,
        detected_pixels=detected_pixels,
        raw=raw,
        body=body,
        pixels=smooth_pixels,
        visibility=sizes[0].clip(0, 1),
        present=on_clock(present.astype(np.float64)),
        hands=_z_up(on_clock(hands)),
        hand_seen=on_clock(np.stack([_fading(hand_there[:, hand], fade) * sure[:, hand] for hand in range(2)], -1)),
        face=level_with_ears(nearest_rotations(on_clock(faces)), ear_turns(body), face_seen, time),
        face_seen=face_seen,
        droop=droop,
    )


def on_rays(points: Array, pixels: Array, visibility: Array, size: tuple[int, int], focal: float | None = None) -> Array:
    """`points` (F, 33, 3), landmarks with Z up, moved across the view onto the rays through their `pixels` (F, 33, 2), depths kept.

    MediaPipe finds a landmark in the picture far better than in space: only the depth of its world landmarks is not in the picture.
    """
    focal = focal or guessed_focal(size[1])
    use = list(TORSO_AND_LEGS)
    place, _ = place_before_camera(points[:, use], pixels[:, use], visibility[:, use] ** 2 + 1e-4, focal, size)
    depth = points[..., 1] + place[:, 1:2]
    x = (pixels[..., 0] - 0.5 * size[0]) / focal * depth - place[:, :1]
    z = (0.5 * size[1] - pixels[..., 1]) / focal * depth - place[:, 2:]
    return np.stack([x, points[..., 1], z], -1)


def _z_up(points: Array) -> Array:
    """MediaPipe's axes (x right, y down, z away) → X right, Y away, Z up."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1)


def _resample(values: Array, times: Array, wanted: Array) -> Array:
    place = np.interp(wanted, times, np.arange(len(times)))
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, len(times) - 1)
    weight = (place - low).reshape(-1, *[1] * (values.ndim - 1))
    return (1 - weight) * values[low] + weight * values[high]


def _fading(flags: npt.NDArray[np.bool_], width: int) -> Array:
    """1 deep inside runs of True, 0 outside, rising and falling over `width` frames within them. A run over the whole clip stays 1."""
    if flags.all():
        return np.ones(len(flags))
    inside = np.zeros(len(flags))
    run = 0
    for i, flag in enumerate(flags):
        run = run + 1 if flag else 0
        inside[i] = run
    run = 0
    for i in range(len(flags) - 1, -1, -1):
        run = run + 1 if flags[i] else 0
        inside[i] = min(inside[i], run)
    t = np.clip(inside / (width + 1), 0, 1)
    return t * t * (3 - 2 * t)


def body_turns(rig: Rig, seen: Person) -> dict[str, Array]:
    """Turns (F, 3, 3) by role of torso, limbs, feet, neck and head."""
    rest, joints = rest_joints(rig), joints_from_landmarks(seen.body)
    turns = torso(rig, joints)
    chest = turns[[role for role in ("spine", "spine1", "spine2") if role in rig.index_of_role][-1]]
    for k, side in enumerate(SIDES):
        turns[f"{side}_upper_arm"], turns[f"{side}_forearm"] = limb(rest, joints, seen.time, side, arm=True)
        turns[f"{side}_thigh"], turns[f"{side}_shin"] = limb(rest, joints, seen.time, side, arm=False)
        sure = np.clip(seen.visibility[:, (29 + k, 31 + k)].min(axis=1) / 0.5, 0, 1)
        turns[f"{side}_foot"] = foot(rig, seen.body, turns[f"{side}_shin"], side, sure, seen.droop)
    sure = np.clip(seen.visibility[:, (0, 7, 8)].max(axis=1) / 0.5, 0, 1)
    turns.update(head_turns(rig, chest, seen.body, sure, seen.face, seen.face_seen, seen.time))
    return turns


def locate(
    rig: Rig, seen: Person, local: Array, turns: Array, fps: float, size: tuple[int, int]
) -> tuple[Array, Camera, npt.NDArray[np.bool_], Array]:
    """Root (F, 3) in the rig's world, the camera there, contacts (F, 4), and how far the posed rig misses the landmarks in the picture:
    (F,), as a fraction of the person's height in it."""
    hips = rig.index_of_role["hips"]
    heads, _ = pose(rig, local, np.zeros((len(local), 3)))
    heads = rig.to_world(heads)
    focal = guessed_focal(size[1])
    markers = marker_positions(rig, heads, turns, TORSO_AND_LEGS)
    place, error, weights = steadily_placed(markers, seen.pixels, seen.visibility, seen.time, focal, size)

    standing = soles(rig, heads + place[:, None], turns)
    down = contacts(standing, fps, seen.visibility[:, HEELS_AND_TOES])
    lift = savitzky_golay(height_correction(standing, down), SMOOTH_SECONDS, seen.time)
    lift = lift + np.maximum(0.0, -(standing[..., 2].min(axis=1) + lift))
    shift = savitzky_golay(sliding_correction(standing, down, fps), SHIFT_SECONDS, seen.time)
    ground = float(np.median(lift))
    placed: Array = np.add(place, np.concatenate([shift, lift[:, None]], 1))

    # The level camera becomes part of the rig's world: its floor under the feet, the beginning where the rig stands.
    start = np.median(placed[: max(round(0.5 * fps), 1)], axis=0)
    origin: Array = np.array([*(rig.rest_heads[hips, :2] - start[:2]), standing_height(rig)])
    eye = origin + np.array([0.0, 0.0, ground])
    look: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    behind: Array = look @ eye
    camera = Camera(focal, size[0], size[1], np.concatenate([look, -behind[:, None]], 1))
    tall = np.maximum(np.ptp(seen.pixels[..., 1], axis=1), 1.0)
    miss: Array = np.sum(weights * error, axis=1) / np.sum(weights, axis=1) / tall
    return placed + origin, camera, down, miss


def steadily_placed(
    markers: Array, pixels: Array, visibility: Array, time: Array, focal: float, size: tuple[int, int]
) -> tuple[Array, Array, Array]:
    """Translation (F, 3) that lays `markers` (F, K, 3), those of TORSO_AND_LEGS, over their landmarks' `pixels` (F, 33, 2), smooth over
    `time` (F,); each marker's error (F, K) in px before smoothing, and the weight (F, K) it had by its `visibility` (F, 33)."""
    weights: Array = (visibility[:, TORSO_AND_LEGS] ** 2 + 1e-4) * np.where(np.isin(TORSO_AND_LEGS, ANKLES), ANKLE_WEIGHT, 1.0)
    place, error = place_before_camera(markers, pixels[:, TORSO_AND_LEGS], weights, focal, size)
    # Slopes and log-depth are smoothed, not places: the error is along the ray.
    depth = np.maximum(place[:, 1:2], 0.1)
    ray = np.concatenate([place[:, :1] / depth, np.log(depth), place[:, 2:] / depth], 1)
    trust = weights.mean(axis=1)[:, None]
    depth = np.exp(savitzky_golay(ray[:, 1:2], DEPTH_SECONDS, time, trust))
    ray = savitzky_golay(ray, ROOT_SECONDS, time, trust)
    steady = np.asarray(np.concatenate([ray[:, :1] * depth, depth, ray[:, 2:] * depth], 1), np.float64)
    return steady, error, weights


def _residual(rig: Rig, turns: Array, seen: Person) -> Array:
    """(F,) mean angle in degrees between the limb bones and the same directions in the landmarks before smoothing and limits."""
    joints = joints_from_landmarks(seen.raw)
    angles = []
    for role, end in SEEN_BONES.items():
        bone = turns[:, rig.index_of_role[role]] @ unit(rig.head(end) - rig.head(role))
        cosine = np.sum(bone * unit(joints[end] - joints[role]), -1)
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return np.mean(angles, axis=0)


def moved_bones(rig: Rig) -> list[int]:
    """The rig's bones that a motion has channels for: those with a role, and those that carry them and must hold still for them."""
    return [i for i, bone in enumerate(rig.bones) if bone.role is not None or _carries_roles(rig, i)]


def _carries_roles(rig: Rig, index: int) -> bool:
    """Whether a bone without a role has bones with roles below it: it must hold still for them."""
    for bone in rig.bones:
        if bone.role is None:
            continue
        above = bone.parent
        while above >= 0:
            if above == index:
                return True
            above = rig.bones[above].parent
    return False
