# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawings of `synth_data.pose.conditions` for a batch, on any device: the channels of them all, and the capsules themselves, so that
training can draw what it needs while it learns.

The capsules are the same picture as `draw_packed` makes, which is the one that decides (tests/training/test_raster.py). All capsules of all
samples are worked on at once, on the pixels of their boxes, in portions of a fixed size, so that memory does not grow with the batch. Of
everything that meets a pixel the nearest wins by one integer: the depth's bits, then the capsule's number.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..synth_data.pose import conditioning as one
from ..synth_data.pose.conditioning import PACKED, VALUES
from ..synth_data.pose.conditions import CAPSULES, LIMBS, STICKS, Condition
from ..synth_data.pose.framing import NEAR
from . import networks
from .batch import Batch, Poses

PORTION = 1 << 23  # candidates (a pixel of a capsule's box) that are worked on at once: about 1 GB
_OUT = ((1.0, 0.0, 0.0), (-1.0, 0.0, 0.0))  # of the left and of the right side, in the parent's axes
_SIDES = (0, 1)


@torch.no_grad()
def draw(points: Tensor, K: Tensor, size: int | tuple[int, int], height: Tensor) -> Tensor:
    """`conditioning.draw_packed` for a batch: (B, PACKED, H, W) uint8, channels last in memory, on the points' device.

    points: (B, 137 + 2·S, 3) camera-space metres, NaN unknown; K: (B, 3, 3) px; size: the side, or (width, height); height: (B,) metres.
    """
    width, rows = (size, size) if isinstance(size, int) else size
    p = points.float()
    p = torch.where((p[..., 2:] > NEAR), p, torch.nan)
    K, height = K.to(p), height.to(p)
    frames = _part_frames(p)
    centre, skull = _head_ball(p, frames[:, 0], height)
    packed = torch.full((len(p) * rows * width, PACKED), 128, dtype=torch.uint8, device=p.device)
    packed[:, 0] = 0
    _draw_halo(packed, centre, skull, frames[:, 0], K, width, rows)
    capsules = _Capsules(p, frames, centre, skull, height)
    boxes = capsules.boxes(K, width, rows)
    per_sample = ((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])).sum(1).tolist()
    first, candidates = 0, 0
    for i, count in enumerate([*per_sample, PORTION]):
        if (candidates + count > PORTION and i > first) or i == len(per_sample):
            _draw_body(packed, capsules, frames, p, boxes, slice(first, i), K, width, rows, height)
            first, candidates = i, 0
        candidates += count
    _draw_face(packed, p, centre, skull, K, width, rows, height)
    return packed.view(len(p), rows, width, PACKED).permute(0, 3, 1, 2)


def packed_of(batch: Batch, device: torch.device) -> Tensor:
    """The batch's packed conditioning (B, P, H, W) uint8 on the device: brought there, or drawn there."""
    if isinstance(batch.packed, Tensor):
        return batch.packed.to(device, non_blocking=True)
    points, K, heights, corners, size = batch.packed
    points, K, heights, corners = (x.to(device, non_blocking=True) for x in (points, K, heights, corners))
    return draw_windows(Poses(points, K, heights, corners, size), batch.target.shape[-1])


@torch.no_grad()
def draw_windows(poses: Poses, side: int) -> Tensor:
    """Windows of `side` px of the pictures that `draw` makes of the poses: (B, PACKED, side, side) uint8, channels last in memory, on the
    poses' device. Outside of the pictures they are empty, whatever of the body is there, as windows of pictures that are kept.
    """
    places = poses.corners[..., None] + torch.arange(side, device=poses.corners.device)
    (in_x, in_y), (x, y) = ((places >= 0) & (places < poses.size)).unbind(1), places.clamp(0, poses.size - 1).unbind(1)
    if bool((poses.points[:, one.MID_HIP, 2] > NEAR).all()):
        K = poses.K.clone()
        K[:, :2, 2] -= poses.corners
        found = draw(poses.points, K, side, poses.heights).permute(0, 2, 3, 1)
    else:
        # Depth is relative to the hips; where they are unknown to the middle of all that the picture shows, and a window does not show it.
        whole = draw(poses.points, poses.K, poses.size, poses.heights).permute(0, 2, 3, 1)
        found = whole[torch.arange(len(whole), device=whole.device)[:, None, None], y[:, :, None], x[:, None, :]]
    empty = torch.from_numpy(CAPSULES.empty).to(found.device)
    return torch.where((in_y[:, :, None] & in_x[:, None, :])[..., None], found, empty).permute(0, 3, 1, 2)


def expand(packed: Tensor, condition: Condition, dtype: torch.dtype = torch.float32) -> Tensor:
    """`condition.expand` on any device: packed (B, P, H, W) uint8 → channels (B, C, H, W), channels last in memory."""
    if condition is LIMBS:
        shift = torch.arange(7, -1, -1, dtype=torch.uint8, device=packed.device)
        bits = (packed.permute(0, 2, 3, 1)[..., None] >> shift & 1).flatten(-2)
        return bits[..., : len(condition.channels)].to(dtype).permute(0, 3, 1, 2)
    if condition is STICKS:
        return (packed.float() / 255).to(dtype)
    return networks.expand(packed, dtype)


def _unit(v: Tensor) -> Tensor:
    length = (v * v).sum(-1, keepdim=True).sqrt()
    return torch.where(length > 1e-6, v / length, torch.nan)


def _axes(left: Tensor, up: Tensor) -> Tensor:
    """Right-handed orthonormal rows (left, up, forward) (…, 3, 3), `up` kept and `left` bent to it; NaN if they are unknown or parallel."""
    up = _unit(up)
    left = _unit(left - (left * up).sum(-1, keepdim=True) * up)
    return torch.stack([left, up, torch.linalg.cross(left, up)], -2)


def _known(v: Tensor) -> Tensor:
    """(…, 1) whether all of the last axis is finite."""
    return v.isfinite().all(-1, keepdim=True)


def _else(axes: Tensor, fallback: Tensor) -> Tensor:
    return torch.where(axes.isfinite().all(-1).all(-1)[..., None, None], axes, fallback)


def _turned(parent: Tensor, rest: Tensor, direction: Tensor) -> Tensor:
    """As `conditioning._turned`, for (…, 3, 3), (…, 3) and (…, 3)."""
    before, after = (rest[..., None, :] @ parent)[..., 0, :], _unit(direction)
    axis, cosine = torch.linalg.cross(before, after), (before * after).sum(-1)[..., None, None]
    zero = torch.zeros_like(axis[..., 0])
    x, y, z = axis.unbind(-1)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    rotation = torch.eye(3, device=parent.device) + cross + cross @ cross / (1 + cosine).clamp(min=1e-3)
    return torch.where(_known(after)[..., None], parent @ rotation.mT, parent)


def _toes(p: Tensor) -> Tensor:
    """(B, 2, 3), left and right."""
    big = p[:, one.BIG_TOE]
    toes = (big + p[:, one.SMALL_TOE]) / 2
    return torch.where(_known(toes), toes, big)


def _hands(p: Tensor) -> Tensor:
    """(B, 2, 21, 3)."""
    return torch.stack([p[:, first : first + 21] for first in one.HAND], 1)


def _part_frames(p: Tensor) -> Tensor:
    """Each part's axes, (B, len(PARTS), 3, 3)."""
    facing = torch.tensor([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]], device=p.device)
    spine = p[:, one.NECK] - p[:, one.MID_HIP]
    pelvis = _axes(p[:, one.HIP[0]] - p[:, one.HIP[1]], spine)
    chest = _axes(p[:, one.SHOULDER[0]] - p[:, one.SHOULDER[1]], spine)
    pelvis = _else(_else(pelvis, chest), facing)
    chest = _else(chest, pelvis)
    out = torch.tensor(_OUT, device=p.device).expand(len(p), 2, 3)
    down, ahead = torch.tensor([0.0, -1, 0], device=p.device), torch.tensor([0.0, 0, 1], device=p.device)
    hands = _hands(p)
    upper = _turned(chest[:, None], out, p[:, one.ELBOW] - p[:, one.SHOULDER])
    fore = _turned(upper, out, p[:, one.WRIST] - p[:, one.ELBOW])
    along, across = _unit(hands[:, :, 9] - hands[:, :, 0]), hands[:, :, 5] - hands[:, :, 17]
    back = torch.linalg.cross(across, along) * out[..., :1]
    palm = _else(_axes(along * out[..., :1], back), _turned(fore, out, hands[:, :, 9] - hands[:, :, 0]))
    thigh = _turned(pelvis[:, None], down.expand_as(out), p[:, one.KNEE] - p[:, one.HIP])
    shin = _turned(thigh, down.expand_as(out), p[:, one.ANKLE] - p[:, one.KNEE])
    foot = _turned(shin, ahead.expand_as(out), _toes(p) - p[:, one.ANKLE])
    limbs = torch.stack([upper, fore, palm, thigh, shin, foot], 1).flatten(1, 2)
    return torch.cat([torch.stack([_head_axes(p, chest), chest, pelvis], 1), limbs, chest[:, None]], 1)


def _head_axes(p: Tensor, chest: Tensor) -> Tensor:
    nose, eye, ear = p[:, one.NOSE], p[:, one.EYE], p[:, one.EAR]
    ears = ear[:, 0] - ear[:, 1]
    left = torch.where(_known(ears), ears, eye[:, 0] - eye[:, 1])
    eyes = eye.mean(1)
    forward = torch.where(_known(eyes), eyes, nose) - ear.mean(1)
    return _else(_else(_axes(left, torch.linalg.cross(forward, left)), _axes(left, nose - p[:, one.NECK])), chest)


def _head_ball(p: Tensor, head: Tensor, height: Tensor) -> tuple[Tensor, Tensor]:
    """Centre (B, 3) and radius (B,) of the skull."""
    ear, nose, neck, plain = p[:, one.EAR], p[:, one.NOSE], p[:, one.NECK], one.HEAD_R * height
    middle = ear.mean(1)
    radius = torch.where(_known(middle)[:, 0], torch.maximum(plain, 0.5 * (ear[:, 0] - ear[:, 1]).norm(dim=-1)), plain)
    size = radius[:, None]
    without_ears = torch.where(_known(nose), nose - 0.9 * size * head[:, 2], neck + 1.8 * size * head[:, 1])
    return torch.where(_known(middle), middle + 0.25 * size * head[:, 1], without_ears), radius


class _Capsules:
    """The bodies as capsules, N a sample: `part` (N,), `a`, `d` (B, N, 3), `ra`, `dr` (B, N) metres, `t0`, `dt` (N,), `there` (B, N)."""

    def __init__(self, p: Tensor, frames: Tensor, ball: Tensor, skull: Tensor, height: Tensor) -> None:
        self._part: list[int] = []
        self._ends: list[tuple[Tensor, Tensor]] = []
        self._radii: list[tuple[Tensor, Tensor]] = []
        self._places: list[tuple[float, float]] = []
        self._height = height
        self._body(p, frames[:, 0, 1], ball, skull)
        a, b = (torch.stack(ends, 1) for ends in zip(*self._ends, strict=True))
        ra, rb = (torch.stack(radii, 1) for radii in zip(*self._radii, strict=True))
        places = torch.tensor(self._places, device=p.device)
        # A capsule that reaches the camera's plane has no finite picture.
        there = _known(a)[..., 0] & _known(b)[..., 0] & (a[..., 2] - ra > NEAR) & (b[..., 2] - rb > NEAR)
        self.there = there
        # What is not there stands somewhere harmless, so that no NaN gets into whole numbers.
        away = torch.tensor([0.0, 0.0, 1.0], device=p.device)
        self.a = torch.where(there[..., None], a, away)
        self.d = torch.where(there[..., None], b - a, 0.0)
        self.ra = torch.where(there, ra, 0.1)
        self.dr = torch.where(there, rb - ra, 0.0)
        self.part = torch.tensor(self._part, device=p.device)
        self.t0, self.dt = places[:, 0], places[:, 1] - places[:, 0]

    def _add(self, part: int, a: Tensor, b: Tensor, ra: float | Tensor, rb: float | Tensor, t0: float = 0.0, t1: float = 1.0) -> None:
        self._part.append(part)
        self._ends.append((a, b))
        self._radii.append((ra * self._height, rb * self._height))
        self._places.append((t0, t1))

    def _body(self, p: Tensor, head_up: Tensor, ball: Tensor, skull: Tensor) -> None:
        """As `conditioning._capsules`, in its order."""
        share, size = skull / self._height, skull[:, None]
        neck, hips = p[:, one.NECK], p[:, one.MID_HIP]
        self._add(0, ball + 0.25 * size * head_up, ball - 0.45 * size * head_up, share, 0.75 * share, 1, 0)
        self._add(1, neck, ball - 0.9 * size * head_up, one.NECK_R, one.NECK_R)
        waist = 0.6 * hips + 0.4 * neck
        self._add(1, waist, 0.85 * neck + 0.15 * hips, one.WAIST_R, one.CHEST_R)
        self._add(2, hips, waist, one.PELVIS_R, one.WAIST_R)
        toes, hands = _toes(p), _hands(p)
        for side in _SIDES:
            shoulder, elbow, wrist = p[:, one.SHOULDER[side]], p[:, one.ELBOW[side]], p[:, one.WRIST[side]]
            hip, knee, ankle, heel = p[:, one.HIP[side]], p[:, one.KNEE[side]], p[:, one.ANKLE[side]], p[:, one.HEEL[side]]
            flank = waist + 0.5 * (hip - hips)
            ribs = 0.7 * shoulder + 0.3 * neck + 0.12 * (hips - neck)
            self._add(1, flank, ribs, one.WAIST_R, one.CHEST_R)
            self._add(2, hip, flank, one.PELVIS_R, one.WAIST_R)
            self._add(3 + side, shoulder, elbow, one.UPPER_ARM_R * 1.1, one.UPPER_ARM_R * 0.9)
            self._add(5 + side, elbow, wrist, one.FOREARM_R, one.WRIST_R)
            self._hand(7 + side, hands[:, side], elbow, wrist)
            self._add(9 + side, hip, knee, one.THIGH_R, one.KNEE_R)
            self._add(11 + side, knee, ankle, one.KNEE_R, one.ANKLE_R)
            self._add(13 + side, torch.where(_known(heel), 0.5 * (ankle + heel), ankle), toes[:, side], one.ANKLE_R, one.TOE_R)
        swinging = p[:, one.POINTS :].unflatten(1, (-1, 2))
        count = swinging.shape[1]
        for i in range(count):
            start, end = swinging[:, i].unbind(1)
            self._add(len(one.PARTS) - 1, start, end, one.SECONDARY_R, one.SECONDARY_R, i / count, (i + 1) / count)

    def _hand(self, part: int, hand: Tensor, elbow: Tensor, wrist: Tensor) -> None:
        whole = hand[:, [0, 5, 9, 17]].isfinite().all(-1).all(-1)[:, None]
        end = wrist + one.HAND_LENGTH * self._height[:, None] * _unit(wrist - elbow)
        self._add(part, torch.where(whole, torch.nan, wrist), end, one.PALM_R * 1.3, one.PALM_R)
        for knuckle in (5, 9, 17):
            self._add(part, torch.where(whole, hand[:, 0], torch.nan), hand[:, knuckle], one.PALM_R, one.PALM_R * 0.8, 0, 0.5)
        for finger in range(5):
            for joint in range(3):
                i = 1 + 4 * finger + joint
                self._add(part, hand[:, i], hand[:, i + 1], one.FINGER_R, one.FINGER_R, 0.5 + joint / 6, 0.5 + (joint + 1) / 6)

    def boxes(self, K: Tensor, width: int, rows: int) -> Tensor:
        """(B, N, 4) int64 px x0, y0, x1, y1: the pixels that each can cover, none where it is not there."""
        focal, middle = K[:, None, (0, 1), (0, 1)], K[:, None, :2, 2]
        edge = torch.tensor([width, rows], device=K.device)
        low, high = [], []
        for centre, radius in ((self.a, self.ra), (self.a + self.d, self.ra + self.dr)):
            z, r = centre[..., 2:], radius[..., None]
            reach = focal * (r / (z - r)) * (1 + centre[..., :2].abs() / z) + 1
            place = focal * centre[..., :2] / z + middle
            low.append(place - reach)
            high.append(place + reach)
        first = torch.minimum(*low).clamp(min=0).minimum(edge).long()
        last = torch.maximum(*high).ceil().clamp(min=0).minimum(edge).long()
        return torch.cat([first, torch.where(self.there[..., None], torch.maximum(first, last), first)], -1)


def _pixels_of(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of boxes (N, 4): every pixel of each as which box, x, y; (M,) int64."""
    w = boxes[:, 2] - boxes[:, 0]
    count = w * (boxes[:, 3] - boxes[:, 1])
    of = torch.repeat_interleave(torch.arange(len(boxes), device=boxes.device), count)
    step = torch.arange(len(of), device=boxes.device) - (count.cumsum(0) - count)[of]
    row = torch.div(step, w[of], rounding_mode="floor")
    return of, boxes[of, 0] + step - row * w[of], boxes[of, 1] + row


def _draw_body(
    packed: Tensor,
    c: _Capsules,
    frames: Tensor,
    p: Tensor,
    boxes: Tensor,
    samples: slice,
    K: Tensor,
    width: int,
    rows: int,
    height: Tensor,
) -> None:
    """Part, normals, depth and place of the samples' bodies into `packed` (B·H·W, PACKED). The geometry is `conditioning._nearest`'s."""
    count = c.a.shape[1]
    of, ix, iy = _pixels_of(boxes[samples].flatten(0, 1))
    if len(of) == 0:
        return
    a, d, ra, dr = (v[samples].flatten(0, 1) for v in (c.a, c.d, c.ra, c.dr))
    k = K[samples]
    sample = torch.div(of, count, rounding_mode="floor")
    qx = (ix + 0.5 - k[sample, 0, 2]) / k[sample, 0, 0]
    qy = (iy + 0.5 - k[sample, 1, 2]) / k[sample, 1, 1]
    rb = ra + dr
    aa, ad, dd = (a * a).sum(-1), (a * d).sum(-1), (d * d).sum(-1)
    slant = dd - dr * dr
    solid = slant > 1e-8
    inverse = torch.where(solid, 1 / torch.where(solid, slant, 1.0), 0.0)
    m = ad - ra * dr
    qq = qx * qx + qy * qy + 1
    qa = qx * a[of, 0] + qy * a[of, 1] + a[of, 2]
    qd = qx * d[of, 0] + qy * d[of, 1] + d[of, 2]

    def sphere(qc: Tensor, power: Tensor) -> Tensor:
        inside = qc * qc - qq * power[of]
        return torch.where(inside >= 0, (qc - inside.clamp(min=0).sqrt()) / qq, torch.inf)

    at_a, at_b = sphere(qa, aa - ra * ra), sphere(qa + qd, aa + 2 * ad + dd - rb * rb)
    nearest, along = torch.minimum(at_a, at_b), (at_b < at_a).float()
    p2, p1 = qq - qd * qd * inverse[of], qa - qd * (m * inverse)[of]
    inside = p1 * p1 - p2 * (aa - ra * ra - m * m * inverse)[of]
    s = (p1 - inside.clamp(min=0).sqrt()) / p2
    t = (s * qd - m[of]) * inverse[of]
    body = (inside >= 0) & (t > 0) & (t < 1) & (s > 0) & (s < nearest) & solid[of]
    nearest, along = torch.where(body, s, nearest), torch.where(body, t, along)

    hit = (nearest < torch.inf).nonzero()[:, 0]
    of, nearest, along, sample, ix, iy, qx, qy = (v[hit] for v in (of, nearest, along, sample, ix, iy, qx, qy))
    pixel = (sample * rows + iy) * width + ix
    # Depths are positive, so their bits are in their order. Of two at the same depth the first wins.
    key = (nearest.contiguous().view(torch.int32).long() << 16) | (of % count)
    nearest_key = torch.full((len(k) * rows * width,), torch.iinfo(torch.int64).max, device=key.device)
    nearest_key.scatter_reduce_(0, pixel, key, "amin")
    won = (nearest_key[pixel] == key).nonzero()[:, 0]
    of, depth, along, sample, pixel, qx, qy = (v[won] for v in (of, nearest, along, sample, pixel, qx, qy))

    position = torch.stack([qx * depth, qy * depth, depth], -1)
    normal = (position - a[of] - along[:, None] * d[of]) / (ra[of] + along * dr[of])[:, None]
    slot = of % count
    part = c.part[slot]
    local = (frames[samples][sample, part] @ normal[..., None])[..., 0]
    hips = p[samples, one.MID_HIP, 2]
    if not bool(hips.isfinite().all()):
        middles = torch.stack([_middle(depth[sample == i]) for i in range(len(hips))])
        hips = torch.where(hips.isfinite(), hips, middles)
    in_front = (hips[sample] - depth) / (one.DEPTH_SPAN * height[samples][sample])
    values = torch.cat([normal, local, in_front[:, None], (c.t0[slot] + along * c.dt[slot])[:, None]], -1)
    pixel = pixel + (samples.start or 0) * rows * width
    packed[pixel, 0] = (part + 1).to(torch.uint8)
    packed[pixel, 1:9] = _quantised(values)


def _middle(values: Tensor) -> Tensor:
    """The median as numpy takes it: of an even number the mean of the two in the middle. NaN of nothing."""
    return values.quantile(0.5) if 0 < len(values) < 1 << 24 else values.new_tensor(torch.nan)


def _quantised(values: Tensor) -> Tensor:
    return (values * 127 + 128.5).clamp(1, 255).to(torch.uint8)


def _draw_halo(packed: Tensor, centre: Tensor, skull: Tensor, head: Tensor, K: Tensor, width: int, rows: int) -> None:
    """As `conditioning._draw_halo`."""
    reach = one.HALO * skull
    there = _known(centre)[:, 0] & (centre[:, 2] - reach > NEAR)
    samples = there.nonzero()[:, 0]
    centre, reach, head, K = centre[samples], reach[samples], head[samples], K[samples]
    z = centre[:, 2:]
    focal = K[:, (0, 1), (0, 1)]
    place, far = focal * centre[:, :2] / z + K[:, :2, 2], focal * reach[:, None] / z
    edge = torch.tensor([width, rows], device=K.device)
    first, last = ((place + end).clamp(min=0).minimum(edge).long() for end in (-far, far + 1))
    of, ix, iy = _pixels_of(torch.cat([first, torch.maximum(first, last)], -1))
    dx, dy = (ix + 0.5 - place[of, 0]) / far[of, 0], (iy + 0.5 - place[of, 1]) / far[of, 1]
    inside = (dx * dx + dy * dy < 1).nonzero()[:, 0]
    of, ix, iy, dx, dy = (v[inside] for v in (of, ix, iy, dx, dy))
    places = dx[:, None] * head[of, :, 0] + dy[:, None] * head[of, :, 1]
    packed[(samples[of] * rows + iy) * width + ix, 11:] = _quantised(places)


def _draw_face(packed: Tensor, p: Tensor, centre: Tensor, skull: Tensor, K: Tensor, width: int, rows: int, height: Tensor) -> None:
    """As `conditioning._draw_face`."""
    focal, middle = K[:, None, (0, 1), (0, 1)], K[:, None, :2, 2]
    for channel, ids in ((VALUES.index("eyes"), one.EYE_POINTS), (VALUES.index("mouth"), one.MOUTH_POINTS)):
        points = p[:, torch.as_tensor(ids, device=p.device)]
        shown = ((points - centre[:, None]) * points).sum(-1) < 0.1 * skull[:, None] * points[..., 2]  # False where unknown
        known = torch.where(shown, points[..., 2], 0.0)
        mean = known.sum(1) / shown.sum(1)
        spread = (one.DOT_R * height * K[:, 0, 0] / mean).clamp(min=0.7).nan_to_num(0.7)
        reach = (2 * spread).ceil().long()
        sample, point = shown.nonzero(as_tuple=True)
        if len(sample) == 0:
            continue
        place = (focal * points[..., :2] / points[..., 2:] + middle)[sample, point]
        around = reach[sample, None]
        corner = place.clamp(-1e6, 1e6).floor().long()
        edge = torch.tensor([width, rows], device=p.device)
        first, last = (corner - around).clamp(min=0).minimum(edge), (corner + around + 1).clamp(min=0).minimum(edge)
        of, ix, iy = _pixels_of(torch.cat([first, last], -1))
        distance2 = (ix + 0.5 - place[of, 0]) ** 2 + (iy + 0.5 - place[of, 1]) ** 2
        value = (-0.5 * distance2 / spread[sample[of]] ** 2).exp()
        pixel = (sample[of] * rows + iy) * width + ix
        on_head = (packed[pixel, 0] == 1).nonzero()[:, 0]
        whole = torch.full((len(packed),), 128, dtype=torch.int32, device=p.device)
        whole.scatter_reduce_(0, pixel[on_head], (value[on_head] * 127 + 128.5).int(), "amax")
        packed[:, 1 + channel] = whole.to(torch.uint8)
