# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found, drawn over the source: to look at and judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...jobs.progress import SILENT, Reporter
from ..pose.landmarks import FACE_70_LIMBS, HAND_LIMBS, MEDIAPIPE_33, MEDIAPIPE_LIMBS, face_70
from ..pose.track import PoseTrack
from ..video.read import read_frames
from ..video.write import MovieWriter

# RGB; the person's left is warm, the right cool, the middle white; bridged bodies are grey.
LEFT, RIGHT, MIDDLE, FACE, BRIDGED = (255, 150, 40), (60, 160, 255), (240, 240, 240), (120, 230, 120), (150, 150, 150)
SUB = 4  # bits of a pixel's fraction that OpenCV draws with
_SIDES = [(LEFT if name.startswith("left") else RIGHT if name.startswith("right") else MIDDLE) for name in MEDIAPIPE_33]
_SIDES[9], _SIDES[10] = LEFT, RIGHT  # the mouth's corners


def write_overlay(video: Path, track: PoseTrack, path: Path, *, report: Reporter = SILENT) -> None:
    """Write an .mp4 of the track's part of the video, at its own times and with its sound, with everyone of the track drawn in."""
    first, last = track.time[0], track.time[-1]
    with MovieWriter(path, track.fps, track.size, sound_from=video, sound_start=float(first)) as movie:
        frames = read_frames(video, float(first), float(last) + 1e-3)
        for frame, picture in enumerate(frames):
            if frame >= track.frames:
                break
            movie.write(draw_track(picture.rgb, track, frame), picture.time - first)
            report.progress(frame + 1, track.frames, "overlay frames")
    if movie.sound_problem:
        report.warning(f"The overlay's sound is incomplete: {movie.sound_problem}.")


def draw_track(rgb: NDArray[Any], track: PoseTrack, frame: int) -> NDArray[Any]:
    """A copy of the picture (H, W, 3) uint8 with the people of one frame drawn over it: skeleton, hands, face, id and confidence."""
    out = rgb.copy()
    thick = max(1, round(min(track.size) / 270))
    for person, name in enumerate(track.person_id):
        body = track.body_image[person, frame]
        if not np.isfinite(body).all():
            continue
        visibility = track.body_visibility[person, frame]
        bridged = bool(track.bridged[person, frame])
        face = face_70(track.face_image[person, frame])
        has_face = bool(np.isfinite(face).all())
        for a, b in MEDIAPIPE_LIMBS:
            if has_face and max(a, b) <= 10:
                continue  # the mesh shows it better
            colour = BRIDGED if bridged else _SIDES[a] if _SIDES[a] == _SIDES[b] else MIDDLE
            strength = float(min(visibility[a], visibility[b]))
            _line(out, body[a], body[b], tuple(round(c * (0.35 + 0.65 * strength)) for c in colour), thick)
        for hand, colour in enumerate((LEFT, RIGHT)):
            points = track.hand_image[person, frame, hand]
            if np.isfinite(points).all():
                for a, b in HAND_LIMBS:
                    _line(out, points[a], points[b], colour, 1)
        if has_face:
            for a, b in FACE_70_LIMBS:
                _line(out, face[a], face[b], FACE, 1)
        _label(out, body, f"{name}: {'bridged' if bridged else f'{visibility.mean():.2f}'}")
    return out


def _line(out: NDArray[Any], a: NDArray[Any], b: NDArray[Any], colour: tuple[int, ...], thick: int) -> None:
    # OpenCV counts from pixels' centres; far points would overflow its integers.
    ends = np.clip(np.stack([a[:2], b[:2]]) - 0.5, -4096, 32767)
    p, q = np.rint(ends * (1 << SUB)).astype(int).tolist()
    cv2.line(out, p, q, colour, thick, cv2.LINE_AA, SUB)


def _label(out: NDArray[Any], body: NDArray[Any], text: str) -> None:
    size = max(0.4, out.shape[0] / 1200)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    x = int(np.clip(body[0, 0] - width / 2, 2, max(out.shape[1] - width - 2, 2)))
    y = int(np.clip(body[:, 1].min() - 2 * height, height + 2, out.shape[0] - 4))
    for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(out, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, colour, thick, cv2.LINE_AA)
