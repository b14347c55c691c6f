# SPDX-License-Identifier: GPL-3.0-or-later
"""Proportions, joints and the body's fields. Only the left half is described; the right one is its mirror image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import Tube, ball, tube
from .mesh import smoothstep

Array = np.ndarray

FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")
# Joints of the left hand's fingers from the wrist, in metres for a person of 1.79 m with the arm along +X.
FINGER_JOINTS = {
    "Thumb": [(0.038, -0.030, -0.018), (0.0735, -0.0525, -0.034), (0.107, -0.069, -0.048), (0.133, -0.082, -0.058)],
    "Index": [(0.123, -0.0285, -0.001), (0.1605, -0.0315, -0.001), (0.1925, -0.034, -0.002), (0.222, -0.0365, -0.004)],
    "Middle": [(0.1275, -0.002, 0.0), (0.168, -0.002, 0.0), (0.203, -0.002, -0.001), (0.235, -0.002, -0.003)],
    "Ring": [(0.1215, 0.0235, -0.001), (0.1585, 0.0265, -0.001), (0.1915, 0.029, -0.002), (0.2225, 0.0315, -0.004)],
    "Pinky": [(0.110, 0.046, -0.003), (0.1395, 0.0515, -0.004), (0.164, 0.056, -0.005), (0.189, 0.0605, -0.007)],
}
FINGER_RADII = {"Thumb": 0.0106, "Index": 0.0088, "Middle": 0.0091, "Ring": 0.0087, "Pinky": 0.0077}


@dataclass(frozen=True)
class Proportions:
    """A figure's measures. Lengths are fractions of `height` (metres); `heads` is the height in heads (chin to crown)."""

    female: bool
    height: float
    heads: float
    leg: float = 0.516
    hip: float = 0.092
    waist: float = 0.065
    chest: float = 0.080
    bust: float = 0.5
    limb: float = 0.93
    neck: float = 0.84
    hand: float = 0.98
    shoulder: float = 0.086
    arm: float = 0.290
    slope: float = 0.026

    @property
    def head(self) -> float:
        """Chin to crown, metres."""
        return self.height / self.heads

    @property
    def chin(self) -> float:
        return self.height - self.head


# Build → factors of hip, waist, chest, shoulder and limb.
BUILDS = {
    "average": (1.0, 1.0, 1.0, 1.0, 1.0),
    "slim": (0.95, 0.94, 0.96, 0.98, 0.91),
    "sturdy": (1.05, 1.13, 1.07, 1.03, 1.12),
    "athletic": (0.98, 0.97, 1.06, 1.06, 1.05),
    "curvy": (1.08, 0.97, 1.03, 0.99, 1.05),
}
_BUILD_ODDS = {True: (0.38, 0.28, 0.08, 0.12, 0.14), False: (0.34, 0.22, 0.16, 0.28, 0.0)}


def random_proportions(rng: np.random.Generator, female: bool) -> Proportions:
    """Anime proportions from five heads (a child) to eight (a tall adult), in one of several builds; most have about six."""
    grown = float(np.clip(rng.beta(2.3, 2.5) * 1.12 - 0.05, 0.0, 1.0))
    heads = 5.0 + 3.0 * grown
    build = list(BUILDS)[int(rng.choice(len(BUILDS), p=_BUILD_ODDS[female]))]
    child = heads < 5.8
    if child and build in ("athletic", "curvy"):
        build = "average"
    hip, waist, chest, shoulder, limb = BUILDS[build]

    def between(*at: float) -> float:
        """A value for five, six and a half and eight heads, interpolated."""
        return float(np.interp(grown, [0.0, 0.5, 1.0], at)) * rng.uniform(0.975, 1.025)

    # Height follows the heads, with some freedom: there are short adults and tall children.
    height = float(np.interp(grown, [0.0, 0.25, 0.5, 1.0], (1.22, 1.44, 1.58, 1.74) if female else (1.24, 1.50, 1.70, 1.88)))
    height *= rng.uniform(0.965, 1.035)
    leg = float(np.interp(grown, [0.0, 0.5, 1.0], (0.492, 0.518, 0.536) if female else (0.490, 0.514, 0.532))) + rng.uniform(-0.005, 0.005)
    bust = 0.0 if child or not female else rng.uniform(0.1, 0.65) + (0.25 if build == "curvy" else 0.0)
    if female:
        return Proportions(
            True, height, heads, leg,
            hip * between(0.085, 0.089, 0.086), waist * between(0.066, 0.063, 0.057), chest * between(0.074, 0.077, 0.072), bust,
            limb * between(0.98, 0.92, 0.83), between(0.80, 0.83, 0.76), between(1.02, 0.97, 0.95), shoulder * between(0.076, 0.079, 0.079),
            between(0.278, 0.290, 0.298), between(0.030, 0.034, 0.034),
        )  # fmt: skip
    return Proportions(
        False, height, heads, leg,
        hip * between(0.080, 0.080, 0.077), waist * between(0.068, 0.069, 0.065), chest * between(0.077, 0.086, 0.085), 0.0,
        limb * between(1.0, 1.0, 0.92), between(0.84, 0.98, 0.98), between(1.02, 1.02, 1.0), shoulder * between(0.079, 0.091, 0.096),
        between(0.280, 0.292, 0.300), between(0.030, 0.033, 0.034),
    )  # fmt: skip


def joints(p: Proportions) -> dict[str, Array]:
    """World positions (metres) of the bones' heads, left side and middle, names without prefix; tips end in 4, `_End`."""
    H, h = p.height, p.head
    z_neck = H - h - 0.14 * h
    z_hips = (p.leg + 0.035) * H
    span = z_neck - z_hips
    j = {
        "Hips": (0, 0, z_hips),
        "Spine": (0, 0.004, z_hips + 0.17 * span),
        "Spine1": (0, 0.008, z_hips + 0.42 * span),
        "Spine2": (0, 0.012, z_hips + 0.68 * span),
        "Neck": (0, 0.014, z_neck),
        "Head": (0, 0.008, p.chin + 0.06 * h),
        "HeadTop_End": (0, 0.008, H),
        "LeftEye": (0.18 * h, -0.34 * h, p.chin + 0.40 * h),
        "LeftShoulder": (0.024 * H, 0.014, z_neck - 0.024 * H),
        "LeftArm": (p.shoulder * H, 0.014, z_neck - p.slope * H),
        "LeftUpLeg": ((0.049 if p.female else 0.047) * H, 0, p.leg * H),
        "LeftToeBase": (0.049 * H, -0.062 * H, 0.012 * H),
        "LeftToe_End": (0.049 * H, -0.105 * H, 0.012 * H),
    }
    j = {name: np.array(value, float) for name, value in j.items()}
    x_leg = j["LeftUpLeg"][0]
    j["LeftLeg"] = np.array([x_leg, -0.004, (0.285 + 0.6 * (p.leg - 0.515)) * H])
    j["LeftFoot"] = np.array([x_leg, 0.012, 0.052 * H])
    j["LeftToeBase"][0] = j["LeftToe_End"][0] = x_leg
    j["LeftForeArm"] = j["LeftArm"] + (p.arm * 15 / 29 * H, 0, 0)
    j["LeftHand"] = j["LeftForeArm"] + (p.arm * 14 / 29 * H, 0, 0)
    scale = 0.95 * p.hand * H / 1.79
    for finger, offsets in FINGER_JOINTS.items():
        for number, offset in enumerate(offsets, 1):
            j[f"LeftHand{finger}{number}"] = j["LeftHand"] + np.array(offset) * scale
    return j


def tubes(p: Proportions, j: dict[str, Array]) -> dict[str, Tube]:
    """The body's fields by part: torso, bust, neck, clavicle, upper_arm, forearm, thigh, shin, foot, palm, fingers such as Index1."""
    H = p.height
    m = p.limb * H
    z0, hips, neck = p.leg * H - 0.06 * H, j["Hips"][2], j["Neck"][2]
    S = neck - hips
    top = neck + 0.02 * S
    z = np.array(
        [p.leg * H - 0.06 * H, p.leg * H - 0.03 * H, p.leg * H, hips, *(hips + np.array([0.24, 0.46, 0.64, 0.82, 0.95, 1.02]) * S)]
    )
    rx = np.array(
        [0.058, 0.92 * p.hip, p.hip, 0.93 * p.hip, p.waist, 1.06 * p.waist, 0.97 * p.chest, 0.99 * p.chest, 0.76 * p.chest, 0.036]
    )
    ry = np.array([0.050, 0.063, 0.066, 0.059, 0.047, 0.051, 0.055, 0.053, 0.042, 0.033]) * (1.0 if p.female else 1.06)
    sy = np.array([0.004, 0.006, 0.006, 0.002, -0.002, 0.0, 0.002, 0.004, 0.008, 0.010])
    front = (1.0, 0.0, 0.0)
    t = (z - z0) / (top - z0)
    # The tube's own shift is along its y axis, direction × side = +y of the world for an upright one.
    parts = {"torso": tube("Hips", (0, 0, z0), (0, 0, top), t, rx * H, ry * H, side=front, sy=sy * H, blend=0.03, cap=0.5)}
    if p.bust > 0:
        r = 0.040 * H * (0.62 + 0.45 * p.bust)
        parts["bust"] = ball("Spine2", (0.036 * H, -0.040 * H, j["Spine2"][2] - 0.006 * H), (r, r * 0.86), 0.04)
    n = p.neck * H
    parts["neck"] = tube(
        "Neck",
        j["Neck"] - (0, 0, 0.03),
        j["Head"] + (0, 0, 0.02),
        [0, 0.5, 1],
        [0.036 * n, 0.027 * n, 0.027 * n],
        [0.034 * n, 0.028 * n, 0.028 * n],
        side=front,
        blend=0.03,
    )
    arm, elbow, wrist = j["LeftArm"], j["LeftForeArm"], j["LeftHand"]
    parts["clavicle"] = tube(
        "LeftShoulder", j["LeftShoulder"] + (0, 0, 0.002 * H), arm, [0, 1], [0.028 * H, 0.0278 * m], [0.025 * H, 0.0278 * m], blend=0.045
    )
    fifths = [0, 0.2, 0.4, 0.6, 0.8, 1]
    parts["upper_arm"] = tube("LeftArm", arm, elbow, fifths, m * np.array([0.0278, 0.0268, 0.0252, 0.0240, 0.0225, 0.0215]), blend=0.04)
    parts["forearm"] = tube(
        "LeftForeArm",
        elbow,
        wrist,
        fifths,
        m * np.array([0.0225, 0.0235, 0.0225, 0.020, 0.017, 0.0155]),
        m * np.array([0.0225, 0.0230, 0.0215, 0.0185, 0.0150, 0.0130]),
        blend=0.02,
    )
    hip, knee, ankle = j["LeftUpLeg"], j["LeftLeg"], j["LeftFoot"]
    parts["thigh"] = tube(
        "LeftUpLeg",
        hip,
        knee,
        fifths,
        m * np.array([0.0530, 0.0515, 0.0475, 0.0425, 0.0370, 0.0330]),
        m * np.array([0.0580, 0.0560, 0.0510, 0.0445, 0.0385, 0.0345]),
        side=front,
        blend=0.022,
    )
    # Here direction × side points forward (−y), so the calf's shift backward is negative.
    parts["shin"] = tube(
        "LeftLeg",
        knee,
        ankle,
        fifths,
        m * np.array([0.0325, 0.0340, 0.0320, 0.0258, 0.0200, 0.0175]),
        m * np.array([0.0345, 0.0365, 0.0350, 0.0285, 0.0220, 0.0200]),
        side=front,
        sy=H * np.array([0, -0.006, -0.007, -0.005, -0.002, 0]),
        blend=0.02,
    )
    heel, tip = np.array([hip[0], 0.030 * H, 0.0]), np.array([hip[0], -0.100 * H, 0.0])
    height = np.array([0.024, 0.036, 0.028, 0.019, 0.015, 0.012]) * H
    parts["foot"] = tube(
        "LeftFoot",
        heel,
        tip,
        [0, 0.25, 0.5, 0.7, 0.88, 1],
        np.array([0.018, 0.021, 0.022, 0.0255, 0.0235, 0.016]) * H,
        height,
        side=front,
        sy=height * 0.9,
        blend=0.016,
        cap=0.7,
    )
    s = p.hand * H / 1.6
    middle = j["LeftHandMiddle1"]
    parts["palm"] = tube(
        "LeftHand",
        wrist,
        (middle[0] + 0.004 * s, wrist[1], wrist[2] - 0.001),
        [0, 0.3, 0.7, 1],
        s * np.array([0.0185, 0.0265, 0.0345, 0.0335]),
        s * np.array([0.0155, 0.0150, 0.0135, 0.0105]),
        sx=s * np.array([0, 0.001, 0.006, 0.008]),
        blend=0.012,
        cap=0.5,
    )
    for finger in FINGERS:
        radius = FINGER_RADII[finger] * s
        for number in (1, 2, 3):
            a, b = j[f"LeftHand{finger}{number}"], j[f"LeftHand{finger}{number + 1}"]
            first, last = (radius * 0.92**k for k in (number - 1, number))
            if number == 3:
                b = b + (a - b) / np.linalg.norm(b - a) * last * 0.8
            if finger == "Thumb" and number == 1:
                first *= 1.25
            parts[f"{finger}{number}"] = tube(
                f"LeftHand{finger}{number}", a, b, [0, 1], [first, last], blend=0.012 if number == 1 else 0.004
            )
    return parts


# How softly a bone's share fades, as a share of its tube's radius: wide at the shoulders, or arms that hang would leave a corner.
SOFTNESS = {"LeftArm": 0.55, "LeftShoulder": 0.55}


def skin_weights(points: Array, parts: dict[str, Tube], j: dict[str, Array], bones: list[str]) -> Array:
    """(N, B) skinning weights from the distances to the bones' fields.

    w = exp(−(d − min d)/T) with T from the tube's radius; the torso's share is split by height; a left bone's share
    passes to its right twin over x = ±12 mm.
    """
    half = points * (-1, 1, 1)
    half[points[:, 0] > 0] = points[points[:, 0] > 0]
    groups: dict[str, tuple[Array, float]] = {}
    low, high = half.min(0) - 0.06, half.max(0) + 0.06
    for item in parts.values():
        first, last = item.bounds()
        # The bust is the chest's; what is far away has no share.
        if item.bone == "Spine2" or (item.bone not in ("Hips", "Neck") and ((first > high) | (last < low)).any()):
            continue
        d = item.distance(half)
        softness = 0.012 if item.bone == "Hips" else max(SOFTNESS.get(item.bone, 0.30) * item.radius, 0.003)
        groups[item.bone] = (np.minimum(d, groups[item.bone][0]) if item.bone in groups else d, softness)
    # The toes are the front of the foot's field.
    nearest = np.min([d for d, _ in groups.values()], axis=0)
    raw = {bone: np.exp(-np.clip((d - nearest) / soft, 0, 60)) for bone, (d, soft) in groups.items()}
    z = points[:, 2]
    weights = np.zeros((len(points), len(bones)))
    column = {name: i for i, name in enumerate(bones)}

    def add(name: str, value: Array) -> None:
        weights[:, column[name]] += value

    toe = smoothstep(-points[:, 1], -j["LeftToeBase"][1] - 0.022, -j["LeftToeBase"][1] + 0.018)
    if "LeftFoot" in raw:
        foot = raw.pop("LeftFoot")
        raw["LeftFoot"], raw["LeftToeBase"] = foot * (1 - toe), foot * toe
    torso = raw.pop("Hips")
    remaining = np.ones(len(points))
    for upper, lower in (("Spine2", "Spine1"), ("Spine1", "Spine"), ("Spine", "Hips")):
        above = smoothstep(z, j[upper][2] - 0.035, j[upper][2] + 0.045)
        add(upper, torso * remaining * above)
        remaining = remaining * (1 - above)
        if lower == "Hips":
            add("Hips", torso * remaining)
    throat = raw.pop("Neck")
    head = smoothstep(z, j["Head"][2] - 0.045, j["Head"][2] - 0.005)
    neck = smoothstep(z, j["Neck"][2] - 0.030, j["Neck"][2] + 0.020)
    add("Head", throat * head)
    add("Neck", throat * (1 - head) * neck)
    add("Spine2", throat * (1 - head) * (1 - neck))
    # Below the crotch each leg keeps to itself, or the thighs would stick together where they touch.
    crotch = j["LeftUpLeg"][2] - 0.085
    width = 0.0002 + 0.0118 * smoothstep(z, crotch - 0.03, crotch + 0.02)
    left = smoothstep(points[:, 0], -width, width)
    for bone, value in raw.items():
        add(bone, value * left)
        add(bone.replace("Left", "Right"), value * (1 - left))
    return normalised(weights)


def normalised(weights: Array) -> Array:
    """Rows that sum to 1, shares under 2 % dropped."""
    weights = weights / weights.sum(1, keepdims=True)
    weights = np.where(weights < 0.02, 0.0, weights)
    return weights / weights.sum(1, keepdims=True)
