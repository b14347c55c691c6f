# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in a pose track, for lists that are drawn often. No Blender in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import UserError
from .looking import Looked, stamp

LISTED = 8


@dataclass(frozen=True)
class Person:
    """One of a track: how long and how tall they are seen, and in which shares (0…1) of the frames between their first and their last."""

    id: int
    seconds: float
    height: float  # px, median
    body: float
    hands: float  # mean of both
    face: float


@dataclass(frozen=True)
class Cast:
    """Everyone of a track, the main person first. `start` is where in the video the track begins, seconds; `fps` its frames a second.

    `problem` says in a sentence why nobody is known, and is empty where the track is not there.
    """

    people: tuple[Person, ...] = ()
    start: float = 0.0
    fps: float = 0.0
    problem: str = ""

    def has(self, person: int) -> bool:
        return any(one.id == person for one in self.people)


def cast_of(track: Path) -> Cast:
    """The track's header, looked for at most twice a second and read again when the file is another."""
    return _looked(track)


def _look(track: Path) -> Cast:
    at = stamp(track)
    return _read(track, at) if at is not None else Cast()


_looked: Looked[Path, Cast] = Looked(_look)


@lru_cache(maxsize=1)
def _read(track: Path, _stamp: tuple[int, int]) -> Cast:
    try:
        from ..synth_data.pose.track_file import rate_of, read_header

        header = read_header(track)
        capture = header["capture"]
        people = tuple(_person(entry) for entry in header["people"])
        return Cast(people, float(capture.get("start") or 0), rate_of(header))
    except UserError as error:
        return Cast(problem=str(error))
    except ModuleNotFoundError:
        return Cast(problem="This Blender's Python has no numpy, so the people cannot be listed; choose one by number.")
    except (KeyError, TypeError, ValueError):
        return Cast(problem="The capture is damaged; capture the video again.")


def capture_beside(video: Path, track: Path) -> Path | None:
    """The newest track of this video in the folders beside that of `track`, which are those of other videos and characters."""
    try:
        from ..synth_data.pose.track_file import read_header
    except ModuleNotFoundError:
        return None  # without numpy nothing can be read
    others = track.parent.parent.glob(f"*/{track.name}")
    for other in sorted(others, key=lambda other: other.stat().st_mtime, reverse=True):
        try:
            if Path(read_header(other)["video"]["path"]).resolve() == video:
                return other
        except (UserError, OSError, KeyError, TypeError, ValueError):
            continue
    return None


def _person(entry: dict[str, Any]) -> Person:
    seen = entry["seen"]
    return Person(
        id=int(entry["id"]),
        seconds=(entry["end"] - entry["start"]) * seen["body"],
        height=float(entry["height"]),
        body=seen["body"],
        hands=(seen["left_hand"] + seen["right_hand"]) / 2,
        face=seen["face"],
    )


def listed(people: Sequence[Person], chosen: int) -> list[Person]:
    """Those worth a line, in their order: the main and the chosen person, and who is seen the longest."""
    longest = sorted(people, key=lambda person: person.seconds, reverse=True)
    first = [person for person in people if person.id in (0, chosen)]
    kept = {person.id for person in [*first, *(one for one in longest if one not in first)][:LISTED]}
    return [person for person in people if person.id in kept]
