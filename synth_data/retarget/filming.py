# SPDX-License-Identifier: GPL-3.0-or-later
"""How a motion was filmed and how far it can be trusted, in an animator's units and words."""

from __future__ import annotations

import numpy as np

from .motion import TRUSTED, Motion

FULL_FRAME = 36.0  # mm
NEAR = 0.2  # seconds between doubtful spans that are told as one
MANY = 8  # spans to tell
FAR_OFF = 2.0  # times the usual residual: the pose does not fit what was seen


def focal_px(focal_mm: float, size: tuple[int, int], sensor_mm: float = FULL_FRAME) -> float:
    """Focal length in pixels of a lens of `focal_mm` before a sensor `sensor_mm` long, for a picture of `size` (width, height).

    The sensor's length lies along the picture's longer side, also in a picture held upright, as in Blender's cameras (sensor fit Auto).
    """
    return focal_mm / sensor_mm * max(size)


def focal_mm(focal_px: float, size: tuple[int, int], sensor_mm: float = FULL_FRAME) -> float:
    """The other way round, in millimetres."""
    return focal_px * sensor_mm / max(size)


def estimate_in_words(motion: Motion, sensor_mm: float = FULL_FRAME) -> list[str]:
    """What was found of the filming and of the person, a line each, and what of it was given."""
    estimate = motion.estimate
    given = set(estimate.get("given", ()))
    lines = []

    def say(text: str, name: str) -> None:
        lines.append(f"{text} ({'given' if name in given else 'estimated' if estimate else 'guessed'})")

    if motion.camera is not None:
        size = motion.camera.width, motion.camera.height
        px = float(estimate.get("focal_px", motion.camera.focal_px))
        say(f"focal length {focal_mm(px, size, sensor_mm):.1f} mm on a sensor of {sensor_mm:g} mm, {px:.0f} px", "focal_px")
    if "camera_height" in estimate:
        say(f"camera {estimate['camera_height']:.2f} m above the floor", "camera_height")
    if "camera_pitch" in estimate:
        pitch = float(estimate["camera_pitch"])
        say(f"camera pitched {abs(pitch):.1f}° {'down' if pitch >= 0 else 'up'}", "camera_pitch")
    if estimate.get("proportions"):
        told = ", ".join(f"{part.replace('_', ' ')} {factor:.2f}" for part, factor in estimate["proportions"].items())
        lines.append(f"proportions of the person, 1 being the rig's: {told}")
    return lines


def residual_in_words(motion: Motion) -> str:
    """How far the posed rig is from what was seen, on average."""
    mean = float(motion.residual.mean())
    return f"{mean:.1f} % of the person's height" if motion.method == "solver" else f"{mean:.1f}° between bones and landmarks"


def doubts(motion: Motion) -> list[str]:
    """The spans that are not to be trusted and why, a sentence each; the first of them where there are many."""
    spans: list[tuple[float, float]] = []
    for start, end in motion.untrusted:
        if spans and start - spans[-1][1] <= NEAR + 1e-6:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    sure = motion.confidence >= TRUSTED
    usual = float(np.median(motion.residual[sure] if sure.any() else motion.residual))
    lines = []
    for start, end in spans[:MANY]:
        inside = (motion.time >= start) & (motion.time <= end) & ~sure
        off = float(motion.residual[inside].mean()) > FAR_OFF * usual
        why = "the pose does not fit what was seen" if off else "the person was hidden, cut off, or hardly seen"
        where = f"The frame at {start:.1f} s is" if end - start < 0.5 / motion.fps else f"Frames from {start:.1f} to {end:.1f} s are"
        lines.append(f"{where} not to be trusted: {why}.")
    if len(spans) > MANY:
        lines.append(f"{len(spans) - MANY} more spans are not to be trusted either; the overlay shows them in grey.")
    return lines
