# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clips are for training and which are held out: by clip, never by frame, since neighbouring frames are nearly the same picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

TRAIN, TEST = "train", "test"
HELD_OUT = 5  # one in five
TAIL = ".tail"


@dataclass(frozen=True)
class Clip:
    """Frames `start` … `end` − 1 of a motion, under a name of their own. `split` is "train", "test", or None for "choose for me"."""

    name: str
    start: int
    end: int
    split: str | None = None

    @property
    def frames(self) -> int:
        return self.end - self.start


def split_clips(clips: Sequence[Clip]) -> list[Clip]:
    """The clips with every `split` chosen; what was asked for stays.

    Nothing is chosen when any clip was asked to be held out: the others train. Otherwise every fifth clip is held out; of fewer than five,
    each gives its last fifth as a clip of its own, NAME.tail. A clip of fewer than five frames gives nothing.
    """
    if any(clip.split == TEST for clip in clips):
        return [replace(clip, split=clip.split or TRAIN) for clip in clips]
    free = [clip for clip in clips if clip.split is None]
    chosen: list[Clip] = []
    for clip in clips:
        if clip.split is not None:
            chosen.append(clip)
        elif len(free) >= HELD_OUT:
            chosen.append(replace(clip, split=TEST if free.index(clip) % HELD_OUT == HELD_OUT - 1 else TRAIN))
        elif clip.frames < HELD_OUT:
            chosen.append(replace(clip, split=TRAIN))
        else:
            cut = clip.end - clip.frames // HELD_OUT
            chosen += [replace(clip, end=cut, split=TRAIN), Clip(clip.name + TAIL, cut, clip.end, TEST)]
    return chosen


def splits_of(clips: Sequence[Clip]) -> dict[str, list[str]]:
    """The content of `splits.json`."""
    return {split: [clip.name for clip in clips if clip.split == split] for split in (TRAIN, TEST)}
