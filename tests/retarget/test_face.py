# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of faces made of numbers: lids, lips and brows that move on a mesh of the head's stable points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget.face import NAMES, expressions, expressions_on_clock
from ningyo.synth_data.retarget.head import FACE_INDEX, FACE_SHAPE
from ningyo.synth_data.retarget.kinematics import rotation_vector_to_matrix

FPS, SECONDS = 25.0, 8.0
TIME = np.arange(round(FPS * SECONDS)) / FPS
SIDES = (("Left", 1.0), ("Right", -1.0))
# Left eye: corners, then pairs of lids; the right one's; and mouth and brows (left, right), in widths of the face, by the mesh's numbers.
EYES = {"Left": ((263, 362), (386, 385, 387), (374, 380, 373)), "Right": ((33, 133), (159, 158, 160), (145, 153, 144))}
INNER, OUTER = {"Left": (336, 285), "Right": (107, 55)}, {"Left": (300, 293), "Right": (70, 63)}
CORNER = {"Left": 291, "Right": 61}


def pulse(*centres, half=0.12):
    """(F,) 1 at each time of `centres`, falling to 0 `half` seconds away."""
    return np.max([np.clip(1 - np.abs(TIME - centre) / half, 0, 1) for centre in centres], axis=0)


def faces(*, blink: Any = 0.0, jaw: Any = 0.0, smile: Any = 0.0, brows: Any = 0.0, turn=None, width=90.0, noise=0.0):
    """(F, 478, 3) px; arguments are (F,) 0…1 or a dictionary of sides."""

    def of(value, side):
        return np.broadcast_to(value[side] if isinstance(value, dict) else value, TIME.shape)

    p = np.zeros((len(TIME), 478, 3))
    p[:, FACE_INDEX] = FACE_SHAPE
    for side, sign in SIDES:
        corners, upper, lower = EYES[side]
        middle = p[:, corners].mean(axis=1)
        gap = 0.055 * (1 - 0.75 * of(blink, side))
        for k, (above, below) in enumerate(zip(upper, lower, strict=True)):
            at = np.add(middle, (0.03 * (k - 1), 0, 0))
            p[:, above], p[:, below] = at, at
            p[:, above, 2] += 0.5 * gap
            p[:, below, 2] -= 0.5 * gap
        for pair, height in ((INNER[side], 0.12), (OUTER[side], 0.13)):
            p[:, pair] = middle[:, None]
            p[:, pair, 2] += (height + 0.05 * of(brows, side))[:, None]
        p[:, CORNER[side], 0] = sign * (0.16 + 0.05 * of(smile, side))
        p[:, CORNER[side], 1] = -0.1
        p[:, CORNER[side], 2] = -0.5 + 0.04 * of(smile, side)
    for x, above, below in ((0.0, 13, 14), (-0.05, 82, 87), (0.05, 312, 317)):
        p[:, above] = p[:, below] = (x, -0.15, -0.5)
        p[:, below, 2] -= 0.012 + 0.16 * np.broadcast_to(jaw, TIME.shape)
    if turn is not None:
        p = np.einsum("fij,fnj->fni", turn, p)
    p = p * width + np.random.default_rng(0).normal(size=p.shape) * noise
    return np.stack([300 + p[..., 0], 200 - p[..., 2], p[..., 1]], -1)


def values(face, seen=None):
    names, found = expressions(face, np.ones(len(face)) if seen is None else seen, TIME[: len(face)])
    return dict(zip(names, found.T, strict=True))


def test_blinks_are_kept_in_their_length_and_nothing_else_moves():
    blink = pulse(1, 2.6, 5.2, 6.1)
    found = values(faces(blink=blink, noise=0.2))
    for side in ("Left", "Right"):
        key = found[f"eyeBlink{side}"]
        assert key[blink > 0.95].min() > 0.7
        assert key[blink == 0].max() < 0.35
        assert key[blink == 0].mean() < 0.05
    assert max(found[name].max() for name in NAMES if not name.startswith("eyeBlink")) < 0.15


def test_a_wink_is_on_its_own_side():
    wink = pulse(3, half=0.3)
    found = values(faces(blink={"Left": wink, "Right": 0 * wink}, noise=0.1))
    assert found["eyeBlinkLeft"].max() > 0.8
    assert found["eyeBlinkRight"].max() < 0.25


def test_jaw_smile_and_brows():
    change = pulse(2, 5, half=0.6)
    assert np.corrcoef(values(faces(jaw=change, noise=0.1))["jawOpen"], change)[0, 1] > 0.97
    found = values(faces(smile={"Left": change, "Right": 0 * change}, noise=0.1))
    assert found["mouthSmileLeft"].max() > 0.8
    assert found["mouthSmileRight"].max() < 0.1
    found = values(faces(brows=change, noise=0.1))
    for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"):
        assert np.corrcoef(found[name], change)[0, 1] > 0.95
    assert found["browDownLeft"].max() < 0.1


def test_turning_the_head_is_no_expression():
    yaw, pitch = 0.4 * np.sin(2 * TIME), 0.3 * np.sin(1.3 * TIME)
    found = values(faces(turn=rotation_vector_to_matrix(np.stack([pitch, 0 * yaw, yaw], -1))))
    assert max(column.max() for column in found.values()) < 0.1


def test_a_tiny_face_blinks_not_from_noise():
    found = values(faces(width=30.0, noise=0.5))
    assert max(column.max() for column in found.values()) < 0.5
    assert max(column.mean() for column in found.values()) < 0.05


def test_a_face_that_is_not_seen_fades():
    seen = np.clip((np.abs(TIME - 4) - 1) / 0.2, 0, 1)
    face = faces(jaw=np.ones(len(TIME)) * (TIME > 2), noise=0.1)
    face[seen == 0] = np.nan
    jaw = values(face, seen)["jawOpen"]
    assert jaw[seen == 0].max() == 0
    assert jaw[(TIME > 2.3) & (TIME < 2.9)].min() > 0.6
    assert np.abs(np.diff(jaw)).max() < 0.35


def test_a_still_and_a_face_never_seen():
    found = values(faces(jaw=1.0)[:1])
    assert found["jawOpen"][0] > 0.5
    assert found["eyeBlinkLeft"][0] < 0.3
    names, none = expressions(faces()[:4], np.zeros(4), TIME[:4])
    assert names == ()
    assert none.shape == (4, 0)


@pytest.mark.parametrize("rate", [25.0, 60.0])
def test_a_track_gives_values_at_the_motions_times(rate):
    frames = len(TIME)
    video = {"name": "v", "path": "", "sha256": "", "width": 640, "height": 480, "fps": FPS, "frame_count": frames, "duration": SECONDS}
    track = PoseTrack.unseen(2, TIME, np.arange(frames), {**video, "has_audio": False}, {})
    track.face_image[1], track.face_score[1] = faces(jaw=pulse(4, half=0.5)), 0.9
    time = np.arange(round(SECONDS * rate)) / rate
    names, found = expressions_on_clock(track, 1, time)
    assert found.shape == (len(time), len(names))
    assert found.dtype == np.float32
    assert abs(time[np.argmax(found[:, names.index("jawOpen")])] - 4) < 0.1
    assert expressions_on_clock(track, 0, time)[0] == ()
