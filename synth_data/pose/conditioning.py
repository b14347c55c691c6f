# SPDX-License-Identifier: GPL-3.0-or-later
"""The one rasteriser: 3-D body points seen through a camera become the picture a generator is conditioned on.

The body is drawn as z-buffered tapered capsules ("round cones"): which part is nearest at each pixel, its normal seen from the
camera, its normal in the part's own axes (so that front and back, and which way a limb is turned, can be told apart), its depth and
the place along the limb; the face's features are soft dots on the head, and around the head every pixel knows its place in the head's
axes, since hair and face are the finest drawn and reach furthest beyond the bones. Radii are fractions of the character's height: it is the
generator's work to put hair and clothes on it.

Everything is computed for all capsules at once on the pixels of their bounding boxes, because a loop over sixty small capsules costs
more than the pixels.
`draw_packed` gives 14 bytes a pixel, which is what gets cached; `expand` (and its twin for torch in training/) makes the channels
from them, so training and generation see the same quantisation.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .framing import NEAR
from .landmarks import POINTS
from .skeleton import spread

RASTERISER_VERSION = 2  # raise it whenever a picture changes: datasets and models made with another version are refused

SIDES = ("left", "right")
PARTS = (
    "head",
    "chest",
    "pelvis",
    *(f"{side}_{part}" for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot") for side in SIDES),
    "secondary",  # what swings: hair, skirts, ribbons
)
AXES = ("left", "up", "forward")
VALUES = (
    *(f"normal_{axis}" for axis in "xyz"),
    *(f"local_{axis}" for axis in AXES),
    "depth",
    "along",
    "eyes",
    "mouth",
    *(f"head_{axis}" for axis in AXES),
)
CHANNELS = (*PARTS, *VALUES)
PACKED = 1 + len(VALUES)  # bytes a pixel: part number (0 is nothing), then the values as value · 127 + 128

Array = NDArray[np.float32]

# Points: BODY_25, then the 70 of the face, then 21 of each hand, then the two ends of each bone that swings.
NOSE, NECK, MID_HIP = 0, 1, 8
SHOULDER, ELBOW, WRIST = (5, 2), (6, 3), (7, 4)  # (left, right)
HIP, KNEE, ANKLE = (12, 9), (13, 10), (14, 11)
EYE, EAR, BIG_TOE, SMALL_TOE, HEEL = (16, 15), (18, 17), (19, 22), (20, 23), (21, 24)
HAND = (95, 116)
EYE_POINTS = np.r_[25 + 17 : 25 + 27, 25 + 36 : 25 + 48, 25 + 68 : 25 + 70]  # brows, lids, pupils
MOUTH_POINTS = np.r_[25 + 30 : 25 + 36, 25 + 48 : 25 + 68]  # the nose's tip, lips

# Radii, as fractions of the height.
HEAD_R, NECK_R, CHEST_R, WAIST_R, PELVIS_R = 0.062, 0.026, 0.050, 0.046, 0.056
UPPER_ARM_R, FOREARM_R, WRIST_R, PALM_R, FINGER_R = 0.026, 0.021, 0.015, 0.013, 0.0065
THIGH_R, KNEE_R, ANKLE_R, TOE_R = 0.044, 0.031, 0.021, 0.017
DOT_R = 0.006
SECONDARY_R = 0.012
HALO = 2.6  # of the skull's radius: as far as hair and hats reach
HAND_LENGTH = 0.085  # of the stand-in drawn when the fingers are unknown
DEPTH_SPAN = 0.6  # heights in front of or behind the hips that use up the depth channel


def draw_conditioning(points: NDArray, K: NDArray, size: int | tuple[int, int], height_m: float) -> Array:
    """The conditioning picture: (C, H, W) float32 in −1…1 with the channels CHANNELS, 0 where there is no body.

    points: (137 + 2·S, 3) camera-space metres (x right, y down, z forward): the body's, then the ends of S bones that swing; NaN is
    unknown and what depends on it is left out, as is what is nearer than 5 cm or behind the camera. K: (3, 3) in px of this picture.
    size: side, or (width, height). height_m: the character's height.
    """
    return expand(draw_packed(points, K, size, height_m))


def expand(packed: NDArray[np.uint8]) -> Array:
    """Packed pixels (H, W, PACKED) uint8 → channels (C, H, W) float32."""
    part = packed[..., 0]
    channels = np.empty((len(CHANNELS), *part.shape), np.float32)
    for i in range(len(PARTS)):
        channels[i] = part == i + 1
    channels[len(PARTS) :] = (np.moveaxis(packed[..., 1:], -1, 0).astype(np.float32) - 128) / 127
    return channels


def draw_packed(points: NDArray, K: NDArray, size: int | tuple[int, int], height_m: float) -> NDArray[np.uint8]:
    """As `draw_conditioning`, in the compact form: (H, W, PACKED) uint8."""
    width, height = (size, size) if isinstance(size, int) else size
    points = np.array(points, np.float32)
    with np.errstate(invalid="ignore"):
        points[~(points[:, 2] > NEAR)] = np.nan
    packed = np.full((height * width, PACKED), 128, np.uint8)
    packed[:, 0] = 0
    frames = _part_frames(points)
    K = np.asarray(K, np.float32)
    _draw_halo(packed, points, frames[0], K, width, height, height_m)
    capsules = _capsules(points, frames, height_m)
    if len(capsules.part) == 0:
        return packed.reshape(height, width, PACKED)
    pixel, capsule, depth, along, ray = _nearest(capsules, K, width, height)
    part = capsules.part[capsule]
    radius = capsules.ra[capsule] + along * capsules.dr[capsule]
    position = (ray[0] * depth, ray[1] * depth, depth)
    normal = [(position[k] - capsules.a[:, k][capsule] - along * capsules.d[:, k][capsule]) / radius for k in range(3)]
    local = [sum(frames[:, i, k][part] * normal[k] for k in range(3)) for i in range(3)]
    hips = points[MID_HIP, 2] if np.isfinite(points[MID_HIP, 2]) else np.median(depth)
    in_front = (hips - depth) / (DEPTH_SPAN * height_m)
    place = capsules.t0[capsule] + along * capsules.dt[capsule]
    packed[pixel, 0] = part + 1
    for channel, value in enumerate((*normal, *local, in_front, place), 1):
        packed[pixel, channel] = np.clip(value * 127 + 128.5, 1, 255)
    _draw_face(packed, points, frames[0], K, width, height, height_m)
    return packed.reshape(height, width, PACKED)


class _Capsules(NamedTuple):
    part: NDArray[np.intp]  # (N,) index into PARTS
    a: Array  # (N, 3) one end, metres
    d: Array  # (N, 3) from it to the other end
    ra: Array  # (N,) radius at a, metres
    dr: Array  # (N,) by how much it grows
    t0: Array  # (N,) the "along" value at a
    dt: Array  # (N,) and how it grows


def _unit(v: Array) -> Array:
    length = np.sqrt((v * v).sum())
    return v / length if length > 1e-6 else np.full(3, np.nan, np.float32)


def _axes(left: Array, up: Array) -> Array | None:
    """Right-handed orthonormal rows (left, up, forward), `up` kept and `left` bent to it; None if they are unknown or parallel."""
    up = _unit(up)
    left = _unit(left - (left @ up) * up)
    if not (np.isfinite(left).all() and np.isfinite(up).all()):
        return None
    return np.stack([left, up, np.cross(left, up)])


def _turned(parent: Array, rest: tuple[float, float, float], direction: Array) -> Array:
    """The parent's axes carried by the shortest rotation that takes its direction `rest` to `direction` (Rodrigues). The parent's if
    that is unknown.
    """
    before, after = np.asarray(rest, np.float32) @ parent, _unit(direction)
    if not np.isfinite(after).all():
        return parent
    axis, cosine = np.cross(before, after), float(before @ after)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]], np.float32)
    rotation = np.eye(3, dtype=np.float32) + cross + cross @ cross / max(1 + cosine, 1e-3)
    return (parent @ rotation.T).astype(np.float32)


def _part_frames(p: Array) -> Array:
    """Each part's axes, (len(PARTS), 3, 3) rows left, up, forward. Torso and head from their own points, limbs carried along from
    the parent's.
    """
    facing = np.array([[1, 0, 0], [0, -1, 0], [0, 0, -1]], np.float32)  # someone upright who looks into the camera
    spine = p[NECK] - p[MID_HIP]
    pelvis = _axes(p[HIP[0]] - p[HIP[1]], spine)
    chest = _axes(p[SHOULDER[0]] - p[SHOULDER[1]], spine)
    if pelvis is None:
        pelvis = facing if chest is None else chest
    if chest is None:
        chest = pelvis
    frames = np.empty((len(PARTS), 3, 3), np.float32)
    frames[0], frames[1], frames[2], frames[-1] = _head_axes(p, chest), chest, pelvis, chest
    for side in (0, 1):
        out = (1.0, 0.0, 0.0) if side == 0 else (-1.0, 0.0, 0.0)
        down = (0.0, -1.0, 0.0)
        upper = _turned(chest, out, p[ELBOW[side]] - p[SHOULDER[side]])
        fore = _turned(upper, out, p[WRIST[side]] - p[ELBOW[side]])
        hand = p[HAND[side] : HAND[side] + 21]
        # In the T-pose the palm looks down and the thumb forward: the palm's own "left" is outward, its "up" the back of the hand.
        along, across = _unit(hand[9] - hand[0]), hand[5] - hand[17]
        back = np.cross(across, along) * (1 if side == 0 else -1)
        palm = _axes(along * out[0], back)
        if palm is None:
            palm = _turned(fore, out, hand[9] - hand[0])
        thigh = _turned(pelvis, down, p[KNEE[side]] - p[HIP[side]])
        shin = _turned(thigh, down, p[ANKLE[side]] - p[KNEE[side]])
        foot = _turned(shin, (0.0, 0.0, 1.0), _toes(p, side) - p[ANKLE[side]])
        for part, axes in enumerate((upper, fore, palm, thigh, shin, foot)):
            frames[3 + 2 * part + side] = axes
    return frames


def _toes(p: Array, side: int) -> Array:
    toes = (p[BIG_TOE[side]] + p[SMALL_TOE[side]]) / 2
    return toes if np.isfinite(toes).all() else p[BIG_TOE[side]]


def _head_axes(p: Array, chest: Array) -> Array:
    ears = p[EAR[0]] - p[EAR[1]]
    left = ears if np.isfinite(ears).all() else p[EYE[0]] - p[EYE[1]]
    middle = (p[EAR[0]] + p[EAR[1]]) / 2
    eyes = (p[EYE[0]] + p[EYE[1]]) / 2
    forward = (eyes if np.isfinite(eyes).all() else p[NOSE]) - middle
    if np.isfinite(forward).all():
        axes = _axes(left, np.cross(forward, left))
        if axes is not None:
            return axes
    axes = _axes(left, p[NOSE] - p[NECK])
    return chest if axes is None else axes


def _head_ball(p: Array, axes: Array, height: float) -> tuple[Array, float]:
    """Centre and radius of the skull: between the ears, a little up; as wide as the ears say, because drawn characters have big heads."""
    centre, radius = (p[EAR[0]] + p[EAR[1]]) / 2, HEAD_R * height
    if np.isfinite(centre).all():
        radius = max(radius, 0.5 * float(np.sqrt(((p[EAR[0]] - p[EAR[1]]) ** 2).sum())))
        return centre + 0.25 * radius * axes[1], radius
    if np.isfinite(p[NOSE]).all():
        return p[NOSE] - 0.9 * radius * axes[2], radius
    return p[NECK] + 1.8 * radius * axes[1], radius


def _capsules(p: Array, frames: Array, height: float) -> _Capsules:
    """The body as capsules; those with an unknown end are left out."""
    part: list[int] = []
    ends: list[tuple[Array, Array]] = []
    shape: list[tuple[float, float, float, float]] = []

    def add(name: int, a: Array, b: Array, ra: float, rb: float, t0: float = 0.0, t1: float = 1.0) -> None:
        part.append(name)
        ends.append((a, b))
        shape.append((ra, rb, t0, t1))

    ball, radius = _head_ball(p, frames[0], height)
    skull = radius / height
    neck, hips = p[NECK], p[MID_HIP]
    add(0, ball + 0.25 * radius * frames[0][1], ball - 0.45 * radius * frames[0][1], skull, 0.75 * skull, 1, 0)
    add(1, neck, ball - 0.9 * radius * frames[0][1], NECK_R, NECK_R)
    waist = 0.6 * hips + 0.4 * neck
    add(1, waist, 0.85 * neck + 0.15 * hips, WAIST_R, CHEST_R)
    add(2, hips, waist, PELVIS_R, WAIST_R)
    for side in (0, 1):
        shoulder, elbow, wrist = p[SHOULDER[side]], p[ELBOW[side]], p[WRIST[side]]
        hip, knee, ankle = p[HIP[side]], p[KNEE[side]], p[ANKLE[side]]
        flank = waist + 0.5 * (hip - hips)
        ribs = 0.7 * shoulder + 0.3 * neck + 0.12 * (hips - neck)
        add(1, flank, ribs, WAIST_R, CHEST_R)
        add(2, hip, flank, PELVIS_R, WAIST_R)
        add(3 + side, shoulder, elbow, UPPER_ARM_R * 1.1, UPPER_ARM_R * 0.9)
        add(5 + side, elbow, wrist, FOREARM_R, WRIST_R)
        _add_hand(add, 7 + side, p, side, height)
        add(9 + side, hip, knee, THIGH_R, KNEE_R)
        add(11 + side, knee, ankle, KNEE_R, ANKLE_R)
        toes, heel = _toes(p, side), p[HEEL[side]]
        add(13 + side, ankle if np.isnan(heel).any() else 0.5 * (ankle + heel), toes, ANKLE_R, TOE_R)
    swinging = p[POINTS:].reshape(-1, 2, 3)
    for i, (start, end) in enumerate(swinging):
        # The place along says which bone it is.
        add(len(PARTS) - 1, start, end, SECONDARY_R, SECONDARY_R, i / len(swinging), (i + 1) / len(swinging))
    a, b = np.array([e[0] for e in ends], np.float32), np.array([e[1] for e in ends], np.float32)
    forms = np.array(shape, np.float32)
    ra, rb = forms[:, 0] * height, forms[:, 1] * height
    # A capsule that reaches the camera's plane has no finite picture.
    with np.errstate(invalid="ignore"):
        good = np.isfinite(a).all(-1) & np.isfinite(b).all(-1) & (a[:, 2] - ra > NEAR) & (b[:, 2] - rb > NEAR)
    a, b, ra, rb, forms = a[good], b[good], ra[good], rb[good], forms[good]
    return _Capsules(np.array(part, np.intp)[good], a, b - a, ra, rb - ra, forms[:, 2], forms[:, 3] - forms[:, 2])


class _Add(Protocol):
    def __call__(self, name: int, a: Array, b: Array, ra: float, rb: float, t0: float = 0.0, t1: float = 1.0) -> None: ...


def _add_hand(add: _Add, part: int, p: Array, side: int, height: float) -> None:
    hand = p[HAND[side] : HAND[side] + 21]
    if np.isnan(hand[[0, 5, 9, 17]]).any():
        elbow, wrist = p[ELBOW[side]], p[WRIST[side]]
        add(part, wrist, wrist + HAND_LENGTH * height * _unit(wrist - elbow), PALM_R * 1.3, PALM_R, 0, 1)
    else:
        for knuckle in (5, 9, 17):
            add(part, hand[0], hand[knuckle], PALM_R, PALM_R * 0.8, 0, 0.5)
    for finger in range(5):
        for joint in range(3):
            i = 1 + 4 * finger + joint
            add(part, hand[i], hand[i + 1], FINGER_R, FINGER_R, 0.5 + joint / 6, 0.5 + (joint + 1) / 6)


def _nearest(c: _Capsules, K: Array, width: int, height: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Array, Array, list[Array]]:
    """For each pixel the body covers: its index, the nearest capsule there, the depth, the place along the capsule, and the ray's x
    and y (its z is 1).

    A round cone is the union of the spheres with centres a + t·d and radii ra + t·dr, 0 ≤ t ≤ 1. A ray s·q first meets the family where
    F(s, t) = |s q − a − t d|² − (ra + t dr)² and ∂F/∂t both vanish, which is a quadratic in s; outside 0 ≤ t ≤ 1 it can only meet
    the end spheres.
    """
    ids, ix, iy = _candidates(c, K, width, height)
    qx = ((np.arange(width) + 0.5 - K[0, 2]) / K[0, 0]).astype(np.float32)[ix]
    qy = ((np.arange(height) + 0.5 - K[1, 2]) / K[1, 1]).astype(np.float32)[iy]
    rb = c.ra + c.dr
    aa, ad, dd = (c.a * c.a).sum(-1), (c.a * c.d).sum(-1), (c.d * c.d).sum(-1)
    slant = dd - c.dr * c.dr
    solid = slant > 1e-8  # the body is seen only where one end does not hold the other
    inverse = np.where(solid, 1 / np.where(solid, slant, np.float32(1)), np.float32(0))
    m = ad - c.ra * c.dr
    forms = (*c.a.T, *c.d.T, aa - c.ra * c.ra, aa + 2 * ad + dd - rb * rb, aa - c.ra * c.ra - m * m * inverse, inverse, m, m * inverse)
    ax, ay, az, dx, dy, dz, power_a, power_b, power, inverse, m, slope = (form[ids] for form in forms)
    qq = qx * qx + qy * qy + 1
    qa = qx * ax + qy * ay + az
    qd = qx * dx + qy * dy + dz

    # Ends: |s q − centre|² = r².
    def sphere(qc: Array, power: Array) -> Array:
        inside = qc * qc - qq * power
        return np.where(inside >= 0, (qc - np.sqrt(np.maximum(inside, 0))) / qq, np.float32(np.inf))

    at_a, at_b = sphere(qa, power_a), sphere(qa + qd, power_b)
    nearest, along = np.minimum(at_a, at_b), (at_b < at_a).astype(np.float32)
    p2, p1 = qq - qd * qd * inverse, qa - qd * slope
    inside = p1 * p1 - p2 * power
    with np.errstate(divide="ignore", invalid="ignore"):
        s = (p1 - np.sqrt(np.maximum(inside, 0))) / p2
        t = (s * qd - m) * inverse
        body = (inside >= 0) & (t > 0) & (t < 1) & (s > 0) & (s < nearest) & solid[ids]
    nearest, along = np.where(body, s, nearest), np.where(body, t, along)

    hit = np.flatnonzero(nearest < np.inf)
    pixel, nearest = (iy * width + ix)[hit], nearest[hit]
    buffer = np.full(width * height, np.inf, np.float32)
    np.minimum.at(buffer, pixel, nearest)
    won = np.flatnonzero(buffer[pixel] == nearest)
    # Two capsules at exactly the same depth: the first wins, everywhere and always; it is written last.
    winner = np.full(width * height, -1, np.intp)
    winner[pixel[won[::-1]]] = won[::-1]
    pixel = np.flatnonzero(winner >= 0)
    winner = winner[pixel]
    hit = hit[winner]
    return pixel, ids[hit], nearest[winner], along[hit], [qx[hit], qy[hit]]


def _candidates(c: _Capsules, K: Array, width: int, height: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """All pixels that each capsule could cover: which capsule, x, y; capsule after capsule.

    A capsule is the convex hull of its two end spheres, so its picture lies in the hull of the boxes around theirs; row by row, what
    of the hull is there.
    """
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    low, high = [], []
    for centre, radius in ((c.a, c.ra), (c.a + c.d, c.ra + c.dr)):
        z = centre[:, 2]
        # A sphere's picture is an ellipse; this box holds it whatever the direction it is seen from.
        reach = radius / (z - radius)
        reach_x = fx * reach * (1 + np.abs(centre[:, 0]) / z) + 1
        reach_y = fy * reach * (1 + np.abs(centre[:, 1]) / z) + 1
        x, y = fx * centre[:, 0] / z + cx, fy * centre[:, 1] / z + cy
        low.append((x - reach_x, y - reach_y))
        high.append((x + reach_x, y + reach_y))
    top = np.clip(np.minimum(low[0][1], low[1][1]), 0, height).astype(np.intp)
    bottom = np.clip(np.ceil(np.maximum(high[0][1], high[1][1])), 0, height).astype(np.intp)
    of, row = spread(top, bottom)
    y = row + np.float32(0.5)
    left, right = np.full(len(of), np.inf, np.float32), np.full(len(of), -np.inf, np.float32)
    for end in (0, 1):  # the boxes' sides
        beside = (y >= low[end][1][of]) & (y <= high[end][1][of])
        left = np.where(beside, np.minimum(left, low[end][0][of]), left)
        right = np.where(beside, np.maximum(right, high[end][0][of]), right)
    for y_a in (low[0][1], high[0][1]):  # and the lines between their corners
        for y_b in (low[1][1], high[1][1]):
            rise = y_b - y_a
            t = (y - y_a[of]) / np.where(rise == 0, np.float32(1), rise)[of]
            between = (t >= 0) & (t <= 1)
            left = np.where(between, np.minimum(left, low[0][0][of] + t * (low[1][0] - low[0][0])[of]), left)
            right = np.where(between, np.maximum(right, high[0][0][of] + t * (high[1][0] - high[0][0])[of]), right)
    first = np.floor(np.clip(left, 0, width)).astype(np.intp)
    last = np.ceil(np.clip(right, 0, width)).astype(np.intp)
    span, column = spread(first, last)
    return of[span], column, row[span]


def _draw_face(packed: NDArray[np.uint8], p: Array, head: Array, K: Array, width: int, height: int, height_m: float) -> None:
    """Soft dots for the eyes' and the mouth's points that look to the camera, on pixels where the head is nearest."""
    centre, radius = _head_ball(p, head, height_m)
    for channel, ids in ((VALUES.index("eyes"), EYE_POINTS), (VALUES.index("mouth"), MOUTH_POINTS)):
        points = p[ids]
        points = points[np.isfinite(points).all(-1)]
        outward = points - centre
        points = points[(outward * points).sum(-1) < 0.1 * radius * points[:, 2]]
        if len(points) == 0:
            continue
        x, y = K[0, 0] * points[:, 0] / points[:, 2] + K[0, 2], K[1, 1] * points[:, 1] / points[:, 2] + K[1, 2]
        spread = max(DOT_R * height_m * float(K[0, 0] / points[:, 2].mean()), 0.7)
        reach = int(np.ceil(2 * spread))
        offset = np.arange(-reach, reach + 1)
        ix = np.floor(x).astype(np.intp)[:, None, None] + offset[None, None, :]
        iy = np.floor(y).astype(np.intp)[:, None, None] + offset[None, :, None]
        ix, iy = np.broadcast_arrays(ix, iy)
        distance2 = (ix + 0.5 - x[:, None, None]) ** 2 + (iy + 0.5 - y[:, None, None]) ** 2
        value = np.exp(-0.5 * distance2 / spread**2)
        seen = (ix >= 0) & (ix < width) & (iy >= 0) & (iy < height)
        pixel, value = (iy * width + ix)[seen], value[seen]
        on_head = packed[pixel, 0] == 1
        np.maximum.at(packed[:, 1 + channel], pixel[on_head], (value[on_head] * 127 + 128.5).astype(np.uint8))


def _draw_halo(packed: NDArray[np.uint8], p: Array, head: Array, K: Array, width: int, height: int, height_m: float) -> None:
    """Around the head: where the pixel's ray meets the plane through the head's centre that faces the camera, in the head's axes,
    the halo's radius as 1.

    Drawn whatever is in front of it; the parts say what is.
    """
    centre, radius = _head_ball(p, head, height_m)
    reach = HALO * radius
    if not np.isfinite(centre).all() or centre[2] - reach <= NEAR:
        return
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    x, y = fx * centre[0] / centre[2] + cx, fy * centre[1] / centre[2] + cy
    x0, x1 = (int(np.clip(v, 0, width)) for v in (x - fx * reach / centre[2], x + fx * reach / centre[2] + 1))
    y0, y1 = (int(np.clip(v, 0, height)) for v in (y - fy * reach / centre[2], y + fy * reach / centre[2] + 1))
    dx = ((np.arange(x0, x1, dtype=np.float32) + 0.5 - x) * (centre[2] / (fx * reach)))[None, :, None]
    dy = ((np.arange(y0, y1, dtype=np.float32) + 0.5 - y) * (centre[2] / (fy * reach)))[:, None, None]
    places = np.clip((dx * head[:, 0] + dy * head[:, 1]) * 127 + 128.5, 1, 255).astype(np.uint8)
    inside = (dx * dx + dy * dy < 1)[..., 0]
    packed.reshape(height, width, PACKED)[y0:y1, x0:x1, 11:][inside] = places[inside]
