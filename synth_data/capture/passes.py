# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes of a capture over what lies in a TrackSpill: bodies, their repair and filtering, further looks, hands and faces.

Nothing here grows with the video's length but the spill on the disk and a few numbers a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import tee
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ..pose.filters import bridge, bridge_motion, gaps
from ..pose.fusion import fuse
from ..pose.one_euro import OneEuro
from ..pose.repair import LOST, REPAIRED, States, find_path, find_repairs, repaired
from ..pose.rows import body_seen, chunks
from ..pose.spill import Rows, TrackSpill
from ..pose.steady import steady_in_place
from ..video.read import Frame
from .bodies import Body
from .landmarker import quiet_libraries
from .looks import LOOKS, LookAgain
from .parts import PartFinder, Parts
from .people import Tracker

# A video whose main person is seen in fewer of its frames shows nobody.
LEAST_SHARE_SEEN = 0.02
# Who is seen for less is a chance finding, unless the video itself is as short.
LEAST_SECONDS, LEAST_FRAMES = 0.3, 4
# The 1€ filter's cut-off at rest in Hz and its growth with speed in body heights a second: chosen in benchmarks/filtering.py.
MIN_CUTOFF, BETA = 1.0, 40.0
PERSON_HEIGHT = 1.7  # metres, what MediaPipe's world landmarks are made for
BODY = ("body_image", "body_world")
BETWEEN = 3  # what a PoseTrack says of a body that the network saw between front and back
# Who is lower in the picture, of its shorter side, is not looked at again: a crowd would take hours.
LEAST_HEIGHT = 0.25
# One row of several looks: the tracker's, which is not repaired, then LOOKS.
SHOWN = 1 + len(LOOKS)
LOOKED_AT = np.dtype(
    [("image", np.float32, (SHOWN, 33, 3)), ("world", np.float32, (SHOWN, 33, 3)), ("visibility", np.float32, (SHOWN, 33))]
)


@dataclass(frozen=True)
class KnownBody:
    """A body of the first pass as the second one needs it."""

    image: NDArray[Any]
    world: NDArray[Any]
    visibility: NDArray[Any]
    bridged: bool


def follow_bodies(frames: Iterator[Frame], spill: TrackSpill, models: Any, progress: Callable[[int], None]) -> int:
    """Everyone's body in every frame, into the spill. Returns the number of frames up to the last one read."""
    with quiet_libraries():
        tracker = Tracker(models)
    count = 0
    try:
        for frame, bodies in tracker.run(frames):
            spill.begin_frame(frame.time, frame.index)
            for person, body in bodies.items():
                spill.put(person, body_image=body.image, body_world=body.world, body_visibility=body.visibility)
            count = frame.index + 1
            progress(spill.frames)
    finally:
        tracker.close()
    return count


def choose_people(spill: TrackSpill, person: str | int) -> tuple[list[int], list[int]]:
    """Drop chance findings and those who were not asked for: "all", "main" or an id. Returns the people left as the spill names them, and
    their ids: 0 is the main person, the others follow in order of appearance. Nobody is left if even the main person is seen in hardly any
    frame. UserError if there is no such person.

    The main person is who takes up the most of the pictures, surely seen: Σ size × visibility.
    """
    time = spill.time
    rate = (len(time) - 1) / max(time[-1] - time[0], 1e-9)
    least = min(max(LEAST_FRAMES, LEAST_SECONDS * rate), max(spill.frames / 2, 1))
    weights: dict[int, float] = {}
    frames: dict[int, int] = {}
    for known in spill.people():
        rows = spill.rows(known)
        seen, weight = 0, 0.0
        for part in chunks(len(rows)):
            image = rows["body_image"][part]
            there = np.flatnonzero(body_seen(image))
            if not len(there):
                continue
            seen += len(there)
            size = np.ptp(image[there][..., :2], axis=1).max(axis=1)
            weight += float((size * rows["body_visibility"][part][there].mean(axis=1)).sum())
        if seen >= least:
            weights[known], frames[known] = weight, seen
    main = max(weights, key=lambda known: weights[known], default=None)
    if main is not None and frames[main] < LEAST_SHARE_SEEN * spill.frames:
        main = None
    order = [] if main is None else [main, *(known for known in spill.people() if known in weights and known != main)]
    ids = list(range(len(order)))
    if order and person != "all":
        wanted = 0 if person == "main" else int(person)
        if wanted not in ids:
            raise UserError(f"There is no person {wanted} in the video; there are {len(ids)}, numbered from 0, the main one.")
        order, ids = [order[wanted]], [wanted]
    for known in spill.people():
        if known not in order:
            spill.drop(known)
    return order, ids


def repair_bodies(rows: Any, time: NDArray[Any]) -> None:
    """Set one person's left/right and front/back mistakes right, in place; `rows` of ROW on the disk, `time` of their frames."""
    states = find_repairs(rows["body_image"], rows["body_world"], rows["body_visibility"], time)
    for part in chunks(len(rows)):
        if states[part].any():
            wrong = repaired(rows["body_image"][part], rows["body_world"][part], rows["body_visibility"][part], states[part])
            for name, values in zip((*BODY, "body_visibility"), wrong, strict=True):
                rows[name][part] = values
    _note_repairs(rows, time, states)


def _note_repairs(rows: Any, time: NDArray[Any], states: States) -> None:
    """Say what was undone, and place those who were given up by the motion before and after."""
    for part in chunks(len(rows)):
        rows["repaired"][part] = np.where(states[part] == LOST, BETWEEN, REPAIRED[states[part]])
    if (states == LOST).any():
        _bridge(rows, time, gaps(states != LOST, time, np.inf), 1.0)


def look_again(spill: TrackSpill, person: int, picture: tuple[int, int]) -> Rows | None:
    """Where the looks at a person are kept, the tracker's in the first place; None where they are too low in the picture (width, height)
    to be looked at again. Before anything is repaired."""
    rows = spill.rows(person)
    if _height(rows) < LEAST_HEIGHT * min(picture):
        return None
    looks = spill.beside(person, LOOKED_AT)
    for part in chunks(len(rows)):
        for name in LOOKED_AT.names or ():
            first = rows[f"body_{name}"][part]
            values = np.full((len(first), *LOOKED_AT[name].shape), np.nan, np.float32)
            values[:, 0] = first
            looks[name][part] = values
    return looks


def fuse_bodies(rows: Any, looks: Any, time: NDArray[Any]) -> None:
    """One person's body of all `looks` in place of what is known of it, its mistakes undone; neither filtered nor bridged."""
    height = _height(rows)
    chosen, states = find_path(looks["image"], looks["world"], looks["visibility"], time)
    for part in chunks(len(rows)):
        image, world, visibility = (looks[name][part].astype(np.float64) for name in LOOKED_AT.names or ())
        fused = fuse(image, world, visibility, chosen[part], states[part], height)
        for name, values in zip((*BODY, "body_visibility", "body_spread"), fused, strict=True):
            rows[name][part] = values
        rows["bridged"][part] = False
    _note_repairs(rows, time, states)


def filter_bodies(rows: Any, time: NDArray[Any], kind: str) -> None:
    """Steady one person's body in place: `kind` "offline" (zero phase), "online" (the 1€ filter, as a live view would) or "none"."""
    if kind == "offline":
        for name, height in zip(BODY, (_height(rows), PERSON_HEIGHT), strict=True):
            steady_in_place(rows[name], time, rows["body_visibility"], height)
    elif kind == "online":
        for name, height in zip(BODY, (_height(rows), PERSON_HEIGHT), strict=True):
            _filter_online(rows[name], time, height)


def bridge_bodies(rows: Any, time: NDArray[Any], longest: float) -> None:
    """Bodies over one person's gaps of up to `longest` seconds, as they moved before and after, at half the visibility; marked."""
    seen = np.concatenate([body_seen(rows["body_image"][part]) for part in chunks(len(rows))])
    missing = gaps(seen, time, longest)
    _bridge(rows, time, missing, 0.5)
    for gap in missing:
        rows["bridged"][slice(*gap)] = True


def _bridge(rows: Any, time: NDArray[Any], missing: list[tuple[int, int]], trust: float) -> None:
    for gap in missing:
        inside = slice(*gap)
        for name in BODY:
            rows[name][inside] = bridge_motion(rows[name], time, gap)
        rows["body_visibility"][inside] = trust * bridge(rows["body_visibility"], time, gap)


def read_again(
    frames: Iterator[Frame], spill: TrackSpill, models: Any, looks: Mapping[int, Rows], parts: bool, progress: Callable[[int], None]
) -> None:
    """What needs the known bodies: more looks at those of `looks`, by person, and where `parts` are wanted everyone's hands and face, into
    the spill. `frames` are those of the first pass again."""
    people = {person: (spill.span(person)[0], spill.rows(person)) for person in spill.people()}

    def with_bodies() -> Iterator[tuple[Frame, dict[int, KnownBody]]]:
        for index, frame in enumerate(frames):
            bodies = {}
            for person, (first, rows) in people.items():
                at = index - first
                if 0 <= at < len(rows) and np.isfinite(rows["body_image"][at]).all():
                    image, world, visibility = (rows[name][at].astype(np.float64) for name in (*BODY, "body_visibility"))
                    bodies[person] = KnownBody(image, world, visibility, bool(rows["bridged"][at]))
            yield frame, bodies

    def looked_at(again: LookAgain) -> Iterator[tuple[Frame, dict[int, KnownBody]]]:
        these, same = tee(with_bodies())
        wanted = (
            (frame, {person: body.image for person, body in bodies.items() if person in looks and not body.bridged})
            for frame, bodies in these
        )
        for index, (known, seen) in enumerate(zip(same, again.run(wanted), strict=True)):
            for person, bodies in seen.items():
                _write_looks(looks[person], index - people[person][0], bodies)
            yield known

    with ExitStack() as used:
        with quiet_libraries():
            again = used.enter_context(closing(LookAgain(models))) if looks else None
            finder = used.enter_context(closing(PartFinder(models))) if parts else None
        known = with_bodies() if again is None else looked_at(again)
        if finder is None:
            for at, _ in enumerate(known):
                progress(at + 1)
            return
        for at, (_, found) in enumerate(finder.run(known)):
            for person, of_person in found.items():
                first, rows = people[person]
                _write_parts(rows, at - first, of_person)
            progress(at + 1)


def filter_parts(rows: Any, time: NDArray[Any], kind: str) -> None:
    """As `filter_bodies`, for one person's hands and face."""
    if kind == "none":
        return
    height = _height(rows)
    for name, scale, score in (
        ("hand_image", height, "hand_score"),
        ("hand_world", PERSON_HEIGHT, "hand_score"),
        ("face_image", height, "face_score"),
    ):
        if kind == "offline":
            steady_in_place(rows[name], time, rows[score][..., None], scale)
        else:
            _filter_online(rows[name], time, scale)


def _write_looks(looks: Rows, at: int, bodies: list[Body | None]) -> None:
    for look, body in enumerate(bodies, 1):
        if body is not None:
            for name in LOOKED_AT.names or ():
                looks[name][at, look] = getattr(body, name)


def _write_parts(rows: Any, at: int, parts: Parts) -> None:
    for side, hand in enumerate(parts.hands):
        if hand is not None:
            rows["hand_image"][at, side], rows["hand_world"][at, side], rows["hand_score"][at, side] = hand.image, hand.world, hand.score
    if parts.face is not None:
        rows["face_image"][at], rows["face_score"][at] = parts.face.image, parts.face.score


def _filter_online(values: Any, time: NDArray[Any], scale: float) -> None:
    filtered = OneEuro(MIN_CUTOFF, BETA)
    for frame, now in enumerate(time):
        values[frame] = scale * filtered.filter(np.asarray(values[frame], np.float64) / scale, float(now))


def _height(rows: Any) -> float:
    """The median height of a person's body in the picture, px."""
    heights = []
    for part in chunks(len(rows)):
        y = rows["body_image"][part][..., 1]
        y = y[np.isfinite(y).all(axis=1)]
        heights.append(np.ptp(y, axis=1))
    return max(float(np.median(np.concatenate(heights))), 1.0)
