# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of generated frames, and which of them each scene frame shows. No Blender in here."""

from __future__ import annotations

import json
import math
import os
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..errors import UserError

HEADER = "frames.json"
# Time stamps come from containers with a time base as coarse as 1 ms, so "at the same time" has to be a little wide.
SAME_TIME = 2e-3


@dataclass(frozen=True)
class FrameFolder:
    """Pictures `000000.png`, `000001.png`, … and when each of them is shown.

    `files[i]` is the i-th picture's name, or None while it is missing; `times[i]` its time in the source video, in seconds. `fps` is the
    video's mean rate. `size` is the pictures' width and height, px, where it is known. They lie over the video's picture, and have its
    size; those that are `alone` have a background of their own and are no part of it. `header` is all that was noted when they were made.
    """

    path: Path
    fps: float
    times: tuple[float, ...]
    files: tuple[str | None, ...]
    size: tuple[int, int] | None = None
    alone: bool = False
    header: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | str) -> FrameFolder:
        """Raises UserError where there is no folder of frames, or no frame in it."""
        path = Path(path).resolve()
        try:
            header = json.loads((path / HEADER).read_text("utf-8"))
            fps, count, start = float(header["fps"]), int(header["count"]), float(header.get("start", 0.0))
            times = tuple(float(time) for time in header.get("times") or (start + index / fps for index in range(count)))
            if len(times) != count or any(b <= a for a, b in pairwise(times)):
                raise ValueError("times")
            size = None
            if "size" in header:
                width, height = header["size"]
                size = int(width), int(height)
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(f"{path} is not a folder of generated frames: it has no {HEADER}; run `ningyo generate` first.") from None
        except (ValueError, KeyError, TypeError, ZeroDivisionError):
            raise UserError(f"{path / HEADER} cannot be understood; run `ningyo generate` again.") from None
        there = set(os.listdir(path))
        files = tuple(name if name in there else None for name in (f"{index:06d}.png" for index in range(count)))
        if not any(files):
            raise UserError(f"{path} has no frames yet; wait for `ningyo generate`, or run it again.")
        return cls(path, fps, times, files, size, bool(header.get("opaque")), header)

    @property
    def person(self) -> int:
        """Whom of the video the frames show."""
        return int(self.header.get("person", 0))

    @property
    def missing(self) -> int:
        """How many pictures are not there."""
        return self.files.count(None)

    @property
    def end(self) -> float:
        """When the last picture stops being shown, seconds in the video."""
        return self.times[-1] + 1.0 / self.fps

    def elements(self, scene_fps: float, begin: int | None = None) -> tuple[int, list[str]]:
        """One picture for each scene frame, since that is how an image strip plays, and the offset of the first of them, which is that
        of the first picture or else `begin`.

        Scene frame k lies at k / `scene_fps` seconds of the video and shows the newest picture that is there by then: pictures are
        repeated or skipped when the rates differ, so that the length in seconds is right, and held where one is missing.
        Blender's movie strips round the same way.
        """
        present = [index for index, name in enumerate(self.files) if name]
        names = [name for name in self.files if name]
        times = [self.times[index] for index in present]
        first = self._offset(times[0], scene_fps) if begin is None else begin
        # A picture lasts until the next one, there or not: the strip ends with its last picture.
        after = present[-1] + 1
        end = self.times[after] if after < len(self.times) else self.end
        last = max(round(end * scene_fps), first + 1)
        return first, [names[max(bisect_right(times, frame / scene_fps + SAME_TIME) - 1, 0)] for frame in range(first, last)]

    def offset_of(self, name: str, scene_fps: float) -> int | None:
        """The offset of the first scene frame that shows the picture `name`; None for what is no picture of the folder."""
        try:
            return self._offset(self.times[self.files.index(name)], scene_fps)
        except ValueError:
            return None

    def _offset(self, time: float, scene_fps: float) -> int:
        return math.ceil((time - SAME_TIME) * scene_fps)


def frames_of_everyone(out: Path, video: str) -> list[Path]:
    """The folders in `out` with frames made from the video of this SHA-256, whoever of it they show, in the order of the people."""
    found: list[FrameFolder] = []
    for header in out.glob(f"frames*/{HEADER}"):
        try:
            folder = FrameFolder.read(header.parent)
        except UserError:
            continue  # nothing to show yet
        if folder.header.get("video", {}).get("sha256") == video:
            found.append(folder)
    return [folder.path for folder in sorted(found, key=lambda folder: (folder.person, folder.path))]


def free_channels(occupied: list[tuple[int, float, float]], start: float, end: float, count: int, highest: int) -> int:
    """The lowest of `count` channels that lie above everything between `start` and `end`.

    `occupied` holds (channel, start, end) of the strips that exist. Raises UserError when that would be above channel `highest`.
    """
    base = 1 + max((channel for channel, a, b in occupied if a < end and b > start), default=0)
    if base + count - 1 > highest:
        raise UserError(f"There are no {count} free channels above the strips between frames {start:g} and {end:g}; move some strips down.")
    return base
