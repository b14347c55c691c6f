# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found, drawn over the source: to look at and judge."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...jobs.progress import SILENT, Reporter
from ..pose.colours import person_colour
from ..pose.landmarks import FACE_70_LIMBS, HAND_LIMBS, MEDIAPIPE_33, MEDIAPIPE_LIMBS, face_70
from ..pose.track_file import TrackReader, rate_of
from ..video.read import read_frames
from ..video.write import MovieWriter
from .labels import Label, draw_labels
from .layer import Layer

# RGB; the person's left is warm, the right cool; what is neither has the person's own colour. Bridged bodies are grey.
LEFT, RIGHT, BRIDGED = (255, 140, 30), (70, 150, 255), (190, 190, 190)
FACE = (150, 245, 190)
HEAD = 10  # the last of the body's joints that the face's contours show better
STUBS = range(17, 23)  # fingers of the body, which a hand shows better
LEFT_HIP, RIGHT_HIP = MEDIAPIPE_33.index("left_hip"), MEDIAPIPE_33.index("right_hip")

HALO = 0.45  # opacity of the dark rim that makes lines stand out from bright pictures
FAINTEST = 0.25  # opacity of a line whose joints are hidden
HIDDEN = 0.5  # joints of less visibility are hollow
# A person is shown in full from this size on: of the picture's shorter side, and px.
LARGE_SHARE, LARGE_PIXELS = 0.22, 110
SIMPLE_PIXELS = 60  # below, feet, fingers and heads are clutter
TRAIL_SECONDS, TRAIL_GAP = 1.0, 0.25
TRAIL_LEAST = 0.25  # of the person's size; shorter paths are scribbles on the body
TRAIL_SMOOTH = 0.2  # seconds

Row = Any  # a 0-d array of `pose.rows.ROW`
Colour = tuple[int, int, int]


def write_overlay(video: Path | str, track: Path | str, path: Path | str, *, report: Reporter = SILENT) -> None:
    """Write an .mp4 of the part of the `video` that the `track` (.npz) was made from, at its own times and with its sound, with everyone of
    the track drawn in. One frame is held at a time. UserError if the track or the video cannot be read, or do not belong together."""
    with TrackReader(track) as reader:
        header, first = reader.header, float(reader.time[0])
        known = header["capture"]
        start, end, fps = (known.get(name) for name in ("start", "end", "fps"))
        size = header["video"]["width"], header["video"]["height"]
        trails = _Trails()
        with MovieWriter(path, rate_of(header), size, sound_from=video, sound_start=first) as movie:
            for frame in read_frames(video, start, end, fps):
                at = int(np.searchsorted(reader.frame_index, frame.index))
                if at == reader.frames:
                    break
                if reader.frame_index[at] != frame.index:
                    continue
                if frame.rgb.shape[1::-1] != size:
                    raise UserError(
                        f"{Path(video).name} is not the video that {Path(track).name} was made from; its pictures are of another size."
                    )
                people = reader.frame(at)
                trails.add(frame.time, people)
                movie.write(frame_picture(frame.rgb, people, trails.lines()), frame.time - first)
                report.progress(at + 1, reader.frames, "overlay frames")
    if movie.sound_problem:
        report.warning(f"The overlay's sound is incomplete: {movie.sound_problem}.")


def frame_picture(rgb: NDArray[Any], people: Sequence[tuple[int, Row]], trails: Mapping[int, NDArray[Any]] | None = None) -> NDArray[Any]:
    """A copy of the picture (H, W, 3) uint8 with people drawn over it: skeleton, hands, face, box and label.

    `people` are (id, row of ROW) as `TrackReader.frame` gives them, `trails` by id where the hips were of late, (N, 2) px. Who is large is
    drawn over who is small, since nearer people hide those behind them.
    """
    out = rgb.copy()
    shapes = [(person, row, _box(row, rgb.shape)) for person, row in people]
    shapes = sorted(((person, row, box) for person, row, box in shapes if box is not None), key=lambda shape: _side(shape[2]))
    for person, row, box in shapes:
        _draw_person(out, row, box, person_colour(person), (trails or {}).get(person), _is_large(box, rgb.shape))
    # In the order of their numbers, so that labels keep their places while people's sizes change.
    numbered = sorted(shapes, key=lambda shape: shape[0])
    draw_labels(out, [_label(person, row, box, _is_large(box, rgb.shape)) for person, row, box in numbered])
    return out


class _Trails:
    """Where everyone's hips were in the last second."""

    def __init__(self) -> None:
        self._places: dict[int, deque[tuple[float, NDArray[Any]]]] = {}

    def add(self, time: float, people: Sequence[tuple[int, Row]]) -> None:
        for person, row in people:
            hips = row["body_image"][[LEFT_HIP, RIGHT_HIP], :2].mean(axis=0)
            if np.isfinite(hips).all():
                places = self._places.setdefault(person, deque())
                if places and time - places[-1][0] > TRAIL_GAP:
                    places.clear()
                places.append((time, hips))
        for person, places in list(self._places.items()):
            while places and time - places[0][0] > TRAIL_SECONDS:
                places.popleft()
            if not places:
                del self._places[person]

    def lines(self) -> dict[int, NDArray[Any]]:
        """By id, smoothed: a camera in a hand shakes."""
        found = {}
        for person, places in self._places.items():
            time = np.array([time for time, _ in places])
            weights = np.abs(time[:, None] - time) <= TRAIL_SMOOTH / 2
            found[person] = weights @ np.array([place for _, place in places]) / weights.sum(axis=1, keepdims=True)
        return found


def _draw_person(out: NDArray[Any], row: Row, box: NDArray[Any], own: Colour, trail: NDArray[Any] | None, large: bool) -> None:
    side = _side(box)
    thick = max(1, round(side / 140))
    points, bridged = row["body_image"][:, :2], bool(row["bridged"])
    region = box
    if trail is not None and np.ptp(trail, axis=0).max() >= TRAIL_LEAST * side:
        region = np.r_[np.minimum(box[:2], trail.min(axis=0)), np.maximum(box[2:], trail.max(axis=0))]
    layer = Layer(out, region + np.repeat([-1, 1], 2) * (3 * thick + 4))
    if trail is not None and region is not box:
        for n in range(1, len(trail)):
            layer.line(trail[n - 1 : n + 1], own, thick, 0.8 * n / len(trail))
    _draw_box(layer, box, own, thick, bridged)

    hands = [np.isfinite(hand[:, :2]).all() and large for hand in row["hand_image"]]
    face = face_70(row["face_image"])[:, :2]
    has_face = bool(np.isfinite(face).all()) and large
    skipped = set(range(HEAD + 1)) if has_face else set()
    if side < SIMPLE_PIXELS:
        skipped |= {*range(1, HEAD + 1), *STUBS, *range(29, 33)}
    for hand, seen in enumerate(hands):
        skipped |= {joint for joint in STUBS if joint % 2 != hand} if seen else set()
    _draw_body(layer, points, row["body_visibility"], own, thick, skipped, bridged)
    for hand, seen in enumerate(hands):
        if seen:
            _draw_hand(layer, row["hand_image"][hand, :, :2], (LEFT, RIGHT)[hand], thick)
    if has_face:
        fine = max(1, round(np.ptp(face, axis=0).max() / 110))
        for a, b in FACE_70_LIMBS:
            layer.line(face[[a, b]], FACE, fine, 0.8)
    layer.mix_in()


def _draw_body(
    layer: Layer, points: NDArray[Any], visibility: NDArray[Any], own: Colour, thick: int, skipped: set[int], bridged: bool
) -> None:
    limbs = [
        (points[[a, b]], float(min(visibility[a], visibility[b])), _colour(a, b, own)) for a, b in MEDIAPIPE_LIMBS if not {a, b} & skipped
    ]
    if 0 not in skipped:
        neck = np.stack([points[[11, 12]].mean(axis=0), points[0]])
        limbs.append((neck, float(visibility[[0, 11, 12]].min()), own))
    limbs = sorted(((line, strength, colour) for line, strength, colour in limbs if np.isfinite(line).all()), key=lambda limb: limb[1])
    for line, strength, _ in limbs:
        layer.line(line, (0, 0, 0), thick + 2, HALO * _opacity(strength))
    for line, strength, colour in limbs:
        if bridged:
            for dash in _dashes(line, 4 * thick):
                layer.line(dash, BRIDGED, thick, 0.9)
        else:
            layer.line(line, colour, thick, _opacity(strength))
    if thick < 2:
        return  # dots would only smear so thin lines
    for joint in (0, *range(HEAD + 1, len(points))):
        if joint not in skipped and joint not in STUBS:
            colour = BRIDGED if bridged else _colour(joint, joint, own)
            hidden = visibility[joint] < HIDDEN
            layer.dot(points[joint], colour, (1.7 if hidden else 1.1) * thick, 0.8 if hidden else 1.0, hollow=hidden)


def _draw_hand(layer: Layer, points: NDArray[Any], colour: Colour, most: int) -> None:
    thick = int(np.clip(round(np.ptp(points, axis=0).max() / 30), 1, most))
    for a, b in HAND_LIMBS:
        layer.line(points[[a, b]], (0, 0, 0), thick + 1, HALO)
    for a, b in HAND_LIMBS:
        layer.line(points[[a, b]], _paler(colour) if b % 4 in (3, 0) else colour, thick, 1.0)


def _draw_box(layer: Layer, box: NDArray[Any], own: Colour, thick: int, bridged: bool) -> None:
    """Its corners; all of it would be clutter where people stand close together."""
    x0, y0, x1, y1 = box
    fine = max(1 if _side(box) < SIMPLE_PIXELS else 2, round(0.6 * thick))
    reach = 0.18 * min(x1 - x0, y1 - y0)
    for x, y, right, down in ((x0, y0, 1, 1), (x1, y0, -1, 1), (x0, y1, 1, -1), (x1, y1, -1, -1)):
        corner = np.array([[x, y + down * reach], [x, y], [x + right * reach, y]])
        layer.line(corner, (0, 0, 0), fine + 2, HALO)
        layer.line(corner, BRIDGED if bridged else own, fine, 1.0)


def _label(person: int, row: Row, box: NDArray[Any], large: bool) -> Label:
    name = f"{person} main" if person == 0 else str(person)
    if not large:
        return Label(str(person), (), box, person_colour(person), False, int(row["repaired"]))
    sure = "bridged" if row["bridged"] else f"{row['body_visibility'].mean():.0%}"
    scores = (("L", LEFT, row["hand_score"][0]), ("R", RIGHT, row["hand_score"][1]), ("F", FACE, row["face_score"]))
    parts = tuple((f"{letter}{100 * score:.0f}", colour) for letter, colour, score in scores if score > 0)
    return Label(f"{name} {sure}", parts, box, person_colour(person), True, int(row["repaired"]))


def _colour(a: int, b: int, own: Colour) -> Colour:
    sides = {_SIDES[a], _SIDES[b]}
    return LEFT if sides == {"left"} else RIGHT if sides == {"right"} else own


_SIDES = ["left" if "left" in name else "right" if "right" in name else "" for name in MEDIAPIPE_33]


def _opacity(visibility: float) -> float:
    return FAINTEST + (1 - FAINTEST) * float(np.clip(visibility / 0.7, 0, 1))


def _paler(colour: Colour) -> Colour:
    red, green, blue = ((2 * value + 255) // 3 for value in colour)
    return red, green, blue


def _dashes(line: NDArray[Any], length: int) -> list[NDArray[Any]]:
    a, b = line
    count = min(max(round(float(np.linalg.norm(b - a)) / length), 1), 200)
    return [a + (b - a) * np.array([[n], [n + 0.55]]) / count for n in range(count)]


def _box(row: Row, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """Around body, hands and face: left, top, right, bottom in px, with a margin; None where nothing is known.

    Points far out of the picture of this `shape` are taken to be less far, lest lines become as thick as they are.
    """
    points = np.concatenate([row[name].reshape(-1, 3)[:, :2] for name in ("body_image", "hand_image", "face_image")])
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) == 0:
        return None
    size = np.array(shape[1::-1], float)
    points = np.clip(points, -size, 2 * size)
    box = np.r_[points.min(axis=0), points.max(axis=0)]
    return box + np.repeat([-1, 1], 2) * (0.04 * _side(box) + 1)


def _side(box: NDArray[Any]) -> float:
    return float((box[2:] - box[:2]).max())


def _is_large(box: NDArray[Any], shape: tuple[int, ...]) -> bool:
    return _side(box) >= max(LARGE_SHARE * min(shape[:2]), LARGE_PIXELS)
