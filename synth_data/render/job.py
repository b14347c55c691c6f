# SPDX-License-Identifier: GPL-3.0-or-later
"""What to render: characters, clips, cameras, poses, look, background and labels. `job_file.py` reads it from a file."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import UserError
from ..dataset.folder import HEAD, IMAGE, KINDS, POSE, SKELETON, safe_name
from ..dataset.splits import TAIL

MAX_SIZE = 4096
MAX_BUILTIN = 100_000  # characters that one range of seeds may name
FRAMINGS = ("body", "upper", "head")
LABELS = tuple(kind for kind in KINDS if kind not in (IMAGE, POSE))  # what can be asked for beside picture and joints
SAMPLED = "sampled"  # the name of the clip that poses from no clip are said to be of
Range = tuple[float, float]
Attributes = tuple[tuple[str, str], ...]  # (name, text): ("hair", "long brown")
_SHOWN = {"body": 1.3, "upper": 0.8, "head": 0.38}  # of the character's height, that is as wide as the picture
_CLOSE = 700  # px of a character's height, from which on "full" is worth its time


@dataclass(frozen=True)
class CharacterJob:
    """A character: a file or builtin[:SEED], its folder's name, and what captions say of it beside what is known of a built-in one."""

    rig: str
    name: str = ""
    attributes: Attributes = ()


@dataclass(frozen=True)
class ClipJob:
    """A part of a motion: frames `start` … `end` − 1 (`end` None: to the last). `split` None: chosen. `characters` empty: all.

    `motion` is a Motion (.npz), or a clip of another program's (.fbx, .glb, .gltf, .bvh). Each time a training clip is gone through it is
    played at a speed within `speed`, and with left and right exchanged with the probability `mirrored`. `attributes` are for captions.
    """

    motion: Path
    name: str = ""
    start: int = 0
    end: int | None = None
    split: str | None = None
    characters: tuple[str, ...] = ()
    speed: Range = (1.0, 1.0)
    mirrored: float = 0.0
    attributes: Attributes = ()


@dataclass(frozen=True)
class Cameras:
    """Where pictures are taken from: degrees and metres. Of a range every picture takes a value; the jitters are the greatest deviation
    on top, evenly spread. `lens` (mm, of a full-frame camera) decides the distance, `height` (above the floor) the elevation. So many
    `consecutive` frames of a training clip are seen by one camera in one look, before the next one takes its turn.
    """

    yaws: tuple[float, ...] = (0.0, 30.0, -30.0)
    yaw_jitter: float = 10.0
    elevation: Range | None = None
    elevation_jitter: float = 5.0
    height: Range | None = None
    distance: Range | None = None
    distance_jitter: float = 0.1
    lens: Range | None = None
    framings: tuple[str, ...] = ("body",)
    framing_jitter: float = 0.02
    consecutive: int = 1


@dataclass(frozen=True)
class Poses:
    """How many samples are random variations of the clips' poses, how many of those are mirrored, and how far they go; how many are poses
    from no clip; and in how many of all the face's expression is random.
    """

    variations: float = 0.3
    mirrored: float = 0.5
    spread: float = 1.0
    sampled: float = 0.0
    expressions: float = 0.0


@dataclass(frozen=True)
class Look:
    """The light's direction (degrees; yaw as cameras have it, 0 before a character at rest), the outline's width in px (0: none), how many
    tones, and how many sets of colours a built-in character appears in.
    """

    light_yaw: Range = (-35.0, -35.0)
    light_elevation: Range = (38.0, 38.0)
    outline: Range = (1.25, 1.25)
    tones: tuple[int, ...] = (2,)
    palettes: int = 1


@dataclass(frozen=True)
class Background:
    """What is behind the character: nothing (the picture is transparent), one of `colours` (RRGGBB), or a part of one of the pictures in
    the folder `pictures`.
    """

    colours: tuple[str, ...] = ()
    pictures: Path | None = None


@dataclass(frozen=True)
class RenderJob:
    """All that decides a dataset's content, apart from the files it names."""

    characters: tuple[CharacterJob, ...]
    clips: tuple[ClipJob, ...]
    size: int = 256
    count: int | None = None
    seed: int = 0
    labels: tuple[str, ...] = (SKELETON,)
    head_size: int = 0  # 0: half of size
    cameras: Cameras = field(default_factory=Cameras)
    poses: Poses = field(default_factory=Poses)
    look: Look = field(default_factory=Look)
    background: Background = field(default_factory=Background)

    def __post_init__(self) -> None:
        """Names that were left out are taken from the files. Raises UserError for what cannot be rendered."""
        characters = tuple(dataclasses.replace(c, name=safe_name(c.name) if c.name else own_name(c.rig)) for c in self.characters)
        clips = tuple(dataclasses.replace(c, name=safe_name(c.name) if c.name else own_name(c.motion)) for c in self.clips)
        object.__setattr__(self, "characters", characters)
        object.__setattr__(self, "clips", clips)
        object.__setattr__(self, "labels", tuple(kind for kind in LABELS if kind in set(self.labels) or _check_label(self.labels)))
        object.__setattr__(self, "head_size", self.head_size or default_head_size(self.size))
        _require(bool(characters), "There is no character to render; name one with --rig or [[characters]].")
        _require(
            bool(clips) or self.poses.sampled > 0,
            "There is no motion to render; name one with --motion or [[clips]], or ask for sampled poses.",
        )
        for kind, names in (("character", [c.name for c in characters]), ("clip", [c.name for c in clips])):
            twice = _repeated(names)
            _require(twice is None, f'There are two {kind}s of the name "{twice}"; give each a name of its own in a job file.')
        known = {c.name for c in characters}
        for clip in clips:
            self._check_clip(clip, known)
        idle = next((c.name for c in characters if not self.clips_of(c) and not self.poses.sampled), None)
        _require(idle is None, f'No clip is for the character "{idle}"; add one, or take the character out.')
        for name, size in (("Pictures", self.size), ("Pictures of heads", self.head_size)):
            _require(16 <= size <= MAX_SIZE, f"{name} of {size} px cannot be rendered; choose a size from 16 to {MAX_SIZE}.")
        _require(self.count is None or self.count > 0, f"{self.count} samples cannot be rendered; choose a count of 1 or more.")
        _require(bool(clips) or self.count is not None, "Sampled poses have no end; say how many samples there shall be with --count.")
        _require(0 <= self.seed < 2**63, f"The seed {self.seed} is out of range; choose a whole number of 0 or more.")
        for part in (self.cameras, self.poses, self.look):
            for key, value in vars(part).items():
                numbers = [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, int | float)]
                _require(all(map(math.isfinite, numbers)), f"{key} is not a number; write one.")
        self._check_cameras()
        self._check_poses_and_look()
        for colour in self.background.colours:
            _require(
                re.fullmatch("[0-9A-Fa-f]{6}", colour) is not None, f'"{colour}" is not a colour; write six hexadecimal digits, RRGGBB.'
            )

    def _check_clip(self, clip: ClipJob, known: set[str]) -> None:
        taken = clip.name.endswith(TAIL) or clip.name == SAMPLED
        _require(not taken, f'A clip cannot be named "{clip.name}": Ningyo gives that name itself; name it otherwise.')
        _require(clip.split in (None, "train", "test"), f'The split of clip "{clip.name}" is "{clip.split}"; write "train" or "test".')
        _require(clip.start >= 0 and (clip.end is None or clip.end > clip.start), f'Clip "{clip.name}" ends before it starts.')
        unknown = next((name for name in clip.characters if name not in known), None)
        listed = ", ".join(sorted(known)[:6])
        _require(unknown is None, f'Clip "{clip.name}" is for "{unknown}", which is none of the characters ({listed}).')
        _check_range(clip.speed, 0.1, 10, f'The speed of clip "{clip.name}"')
        _require(0 <= clip.mirrored <= 1, f'The share of mirrored goes of clip "{clip.name}" must be from 0 to 1.')

    def _check_cameras(self) -> None:
        cameras = self.cameras
        _require(bool(cameras.yaws), "There is no camera; list at least one angle under yaws.")
        _check_range(cameras.elevation, -80, 80, "The cameras' elevation, in degrees,")
        _check_range(cameras.height, 0, 100, "The cameras' height, in metres,")
        _check_range(cameras.distance, 0.1, 1000, "The cameras' distance, in metres,")
        _check_range(cameras.lens, 10, 1000, "The cameras' lens, in millimetres,")
        _require(cameras.elevation is None or cameras.height is None, "Say either the cameras' elevation or their height, not both.")
        _require(cameras.distance is None or cameras.lens is None, "Say either the cameras' distance or their lens, not both.")
        odd = next((name for name in cameras.framings if name not in FRAMINGS), None)
        _require(bool(cameras.framings) and odd is None, f'There is no framing "{odd or ""}"; choose of {", ".join(FRAMINGS)}.')
        _require(0 <= cameras.distance_jitter <= 0.5, "distance_jitter must be from 0 to 0.5.")
        _require(0 <= cameras.framing_jitter <= 0.2, "framing_jitter must be from 0 to 0.2.")
        _require(min(cameras.yaw_jitter, cameras.elevation_jitter) >= 0, "yaw_jitter and elevation_jitter must be 0 or more.")
        _require(
            1 <= cameras.consecutive <= 1000,
            f"A camera cannot take {cameras.consecutive} consecutive frames; choose from 1 to 1000, such as 2 for pairs.",
        )

    def _check_poses_and_look(self) -> None:
        poses, look = self.poses, self.look
        _require(0 <= poses.variations < 1, "The share of variations must be at least 0 and less than 1.")
        _require(0 <= poses.sampled <= 1, "The share of sampled poses must be from 0 to 1.")
        _require(
            poses.variations + poses.sampled < 1 or not self.clips,
            "The shares of variations and sampled poses must leave room for the clips.",
        )
        _require(0 <= poses.mirrored <= 1, "The share of mirrored poses must be from 0 to 1.")
        _require(0 <= poses.expressions <= 1, "The share of random expressions must be from 0 to 1.")
        _require(0 <= poses.spread <= 3, "The poses' spread must be from 0 to 3.")
        _check_range(look.light_yaw, -360, 360, "The light's yaw, in degrees,")
        _check_range(look.light_elevation, -90, 90, "The light's elevation, in degrees,")
        _check_range(look.outline, 0, 20, "The outline's width, in pixels,")
        _require(bool(look.tones) and all(tones in (2, 3) for tones in look.tones), "tones must be 2, 3 or [2, 3].")
        _require(1 <= look.palettes <= 1000, "palettes must be from 1 to 1000.")

    def clips_of(self, character: CharacterJob) -> list[ClipJob]:
        return [clip for clip in self.clips if not clip.characters or character.name in clip.characters]

    @classmethod
    def from_flags(
        cls, rigs: str | Sequence[str], motions: Sequence[Path | str], *, size: int = 256, count: int | None = None, seed: int = 0,
        labels: Sequence[str] = (SKELETON,), consecutive: int = 1,
    ) -> RenderJob:  # fmt: skip
        """Characters and whole motions."""
        specs = [rigs] if isinstance(rigs, str) else rigs
        characters = tuple(CharacterJob(rig) for spec in specs for rig in expanded(spec))
        clips = tuple(ClipJob(Path(motion)) for motion in motions)
        return cls(characters, clips, size, count, seed, tuple(labels), cameras=Cameras(consecutive=consecutive))


def detail_of(job: RenderJob) -> str:
    """How finely built-in characters are made: "full" where pictures come closer than "dataset" looks good, else "dataset"."""
    body = max(job.size / _SHOWN[framing] for framing in job.cameras.framings)
    head = job.head_size / _SHOWN["head"] if HEAD in job.labels else 0
    return "full" if max(body, head) > _CLOSE else "dataset"


def expanded(spec: str) -> list[str]:
    """`builtin:3-5` as three characters; anything else as it is. Raises UserError for a range that is none."""
    found = re.fullmatch(r"builtin:(\d+)-(\d+)", spec)
    if found is None:
        return [spec]
    first, last = int(found[1]), int(found[2])
    _require(first <= last, f"{spec} ends before it starts; write the smaller number first.")
    _require(last - first < MAX_BUILTIN, f"{spec} names more than {MAX_BUILTIN} characters; make several datasets of them.")
    return [f"builtin:{seed}" for seed in range(first, last + 1)]


def _check_label(labels: Sequence[str]) -> bool:
    """False; raises UserError when there is something among the labels that is none."""
    odd = next((kind for kind in labels if kind not in LABELS), None)
    _require(odd is None, f'There is no label "{odd}"; choose of {", ".join(LABELS)}.')
    return False


def _check_range(value: Range | None, low: float, high: float, what: str) -> None:
    if value is not None:
        _require(low <= value[0] <= value[1] <= high, f"{what} must be within {low:g} to {high:g}, the smaller number first.")


def _repeated(names: Sequence[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _require(holds: Any, sentence: str) -> None:
    if not holds:
        raise UserError(sentence)


def own_name(source: str | Path) -> str:
    """What a character or a clip is called that is given no name."""
    return safe_name(str(source) if str(source).partition(":")[0] == "builtin" else Path(source).stem)


def default_head_size(size: int) -> int:
    return max(size // 2, 16)
