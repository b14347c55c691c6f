# SPDX-License-Identifier: GPL-3.0-or-later
"""What to render: from the command line's flags, or from a TOML file.

size = 256                      # side of the pictures, px
count = 2000                    # samples in all; left out: every frame from every yaw, and the variations' share on top
seed = 0

[[characters]]                  # one or more
rig = "ybot.glb"                # or "builtin:7"; paths are relative to this file
name = "ybot"

[[clips]]                       # one or more
motion = "dance.npz"
name = "dance"
start = 0                       # frames of the motion, the end not included
end = 400
split = "train"                 # or "test"; left out: chosen, by whole clips
characters = ["ybot"]           # left out: all

[cameras]
yaws = [0, 30, -30]             # degrees around the character, from the motion's own camera (else from the front); positive: to its
left yaw_jitter = 10
elevation = 8                   # degrees; left out: the motion's own camera's, else 5
elevation_jitter = 5
distance = 4.0                  # metres; left out: the motion's own camera's, else 2.5 times the character's height
distance_jitter = 0.1           # share
framing_jitter = 0.02           # share of the picture's side

[poses]
variations = 0.3                # share of samples that are random variations of the training clips' poses
mirrored = 0.5                  # share of the variations with left and right exchanged
spread = 1.0                    # how far they go
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import UserError
from ..dataset.folder import safe_name
from ..dataset.splits import TAIL

MAX_SIZE = 4096


@dataclass(frozen=True)
class CharacterJob:
    """A character: a file or builtin[:SEED], and its folder's name."""

    rig: str
    name: str = ""


@dataclass(frozen=True)
class ClipJob:
    """A part of a motion: frames `start` … `end` − 1 (`end` None: to the last). `split` None: chosen. `characters` empty: all."""

    motion: Path
    name: str = ""
    start: int = 0
    end: int | None = None
    split: str | None = None
    characters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cameras:
    """Where pictures are taken from: degrees and metres; the jitters are the greatest deviation, evenly spread."""

    yaws: tuple[float, ...] = (0.0, 30.0, -30.0)
    yaw_jitter: float = 10.0
    elevation: float | None = None
    elevation_jitter: float = 5.0
    distance: float | None = None
    distance_jitter: float = 0.1
    framing_jitter: float = 0.02


@dataclass(frozen=True)
class Poses:
    """How many samples are random variations of the clips' poses, how many of those are mirrored, and how far they go."""

    variations: float = 0.3
    mirrored: float = 0.5
    spread: float = 1.0


@dataclass(frozen=True)
class RenderJob:
    """All that decides a dataset's content, apart from the files it names."""

    characters: tuple[CharacterJob, ...]
    clips: tuple[ClipJob, ...]
    size: int = 256
    count: int | None = None
    seed: int = 0
    cameras: Cameras = field(default_factory=Cameras)
    poses: Poses = field(default_factory=Poses)

    def __post_init__(self) -> None:
        """Names that were left out are taken from the files. Raises UserError for what cannot be rendered."""
        characters = tuple(dataclasses.replace(c, name=safe_name(c.name or _stem(c.rig))) for c in self.characters)
        clips = tuple(dataclasses.replace(c, name=safe_name(c.name or c.motion.stem)) for c in self.clips)
        object.__setattr__(self, "characters", characters)
        object.__setattr__(self, "clips", clips)
        _require(bool(characters), "There is no character to render; name one with --rig or [[characters]].")
        _require(bool(clips), "There is no motion to render; name one with --motion or [[clips]].")
        for kind, names in (("character", [c.name for c in characters]), ("clip", [c.name for c in clips])):
            twice = next((name for name in names if names.count(name) > 1), None)
            _require(twice is None, f'There are two {kind}s of the name "{twice}"; give each a name of its own in a job file.')
        known = {c.name for c in characters}
        for clip in clips:
            _require(not clip.name.endswith(TAIL), f'A clip cannot be named "{clip.name}": {TAIL} is for held-out ends; name it otherwise.')
            _require(clip.split in (None, "train", "test"), f'The split of clip "{clip.name}" is "{clip.split}"; write "train" or "test".')
            _require(clip.start >= 0 and (clip.end is None or clip.end > clip.start), f'Clip "{clip.name}" ends before it starts.')
            unknown = next((name for name in clip.characters if name not in known), None)
            listed = ", ".join(sorted(known))
            _require(unknown is None, f'Clip "{clip.name}" is for "{unknown}", which is none of the characters ({listed}).')
        idle = next((c.name for c in characters if not self.clips_of(c)), None)
        _require(idle is None, f'No clip is for the character "{idle}"; add one, or take the character out.')
        _require(16 <= self.size <= MAX_SIZE, f"Pictures of {self.size} px cannot be rendered; choose a size from 16 to {MAX_SIZE}.")
        _require(self.count is None or self.count > 0, f"{self.count} samples cannot be rendered; choose a count of 1 or more.")
        _require(0 <= self.seed < 2**63, f"The seed {self.seed} is out of range; choose a whole number of 0 or more.")
        for part in (self.cameras, self.poses):
            for key, value in dataclasses.asdict(part).items():
                finite = all(math.isfinite(v) for v in (value if isinstance(value, tuple) else (value,)) if v is not None)
                _require(finite, f"{key} is not a number; write one.")
        _require(bool(self.cameras.yaws), "There is no camera; list at least one angle under yaws.")
        _require(self.cameras.elevation is None or abs(self.cameras.elevation) <= 80, "The cameras' elevation must be within ±80 degrees.")
        _require(self.cameras.distance is None or self.cameras.distance > 0, "The cameras' distance must be more than 0 metres.")
        _require(0 <= self.cameras.distance_jitter <= 0.5, "distance_jitter must be from 0 to 0.5.")
        _require(0 <= self.cameras.framing_jitter <= 0.2, "framing_jitter must be from 0 to 0.2.")
        _require(min(self.cameras.yaw_jitter, self.cameras.elevation_jitter) >= 0, "yaw_jitter and elevation_jitter must be 0 or more.")
        _require(0 <= self.poses.variations < 1, "The share of variations must be at least 0 and less than 1.")
        _require(0 <= self.poses.mirrored <= 1, "The share of mirrored poses must be from 0 to 1.")
        _require(0 <= self.poses.spread <= 3, "The poses' spread must be from 0 to 3.")

    def clips_of(self, character: CharacterJob) -> list[ClipJob]:
        return [clip for clip in self.clips if not clip.characters or character.name in clip.characters]

    @classmethod
    def from_flags(cls, rig: str, motions: Sequence[Path | str], *, size: int = 256, count: int | None = None, seed: int = 0) -> RenderJob:
        """One character and whole motions."""
        return cls((CharacterJob(str(rig)),), tuple(ClipJob(Path(motion)) for motion in motions), size, count, seed)

    @classmethod
    def load(cls, path: Path | str) -> RenderJob:
        """From a TOML file. Raises UserError, naming the file, when it cannot be read or says what cannot be done."""
        path = Path(path)
        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise UserError(f"The job file {path} cannot be read ({error.strerror}); check the path.") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UserError(f"The job file {path} is not proper TOML ({error}).") from error
        try:
            return cls._from_toml(data, path.parent)
        except UserError as error:
            raise UserError(f"The job file {path}: {error}") from error

    @classmethod
    def _from_toml(cls, data: dict[str, Any], folder: Path) -> RenderJob:
        _known_keys(data, {"size", "count", "seed", "characters", "clips", "cameras", "poses"}, "the file")
        characters = []
        for number, table in enumerate(_tables(data, "characters"), 1):
            where = f"character {number}"
            _known_keys(table, {"rig", "name"}, where)
            rig = _text(table, "rig", where)
            if rig is None:
                raise UserError(f"{where} names no rig.")
            built_in = rig.partition(":")[0] == "builtin"
            characters.append(CharacterJob(rig if built_in else str(folder / rig), _text(table, "name", where) or ""))
        clips = []
        for number, table in enumerate(_tables(data, "clips"), 1):
            where = f"clip {number}"
            _known_keys(table, {"motion", "name", "start", "end", "split", "characters"}, where)
            motion = _text(table, "motion", where)
            if motion is None:
                raise UserError(f"{where} names no motion.")
            for_whom = table.get("characters", [])
            if not isinstance(for_whom, list) or not all(isinstance(name, str) for name in for_whom):
                raise UserError(f"{where}: characters must be a list of names.")
            clips.append(
                ClipJob(
                    folder / motion,
                    _text(table, "name", where) or "",
                    _whole(table, "start", where) or 0,
                    _whole(table, "end", where),
                    _text(table, "split", where),
                    tuple(for_whom),
                )
            )
        size, seed = _whole(data, "size", "the file"), _whole(data, "seed", "the file")
        return cls(
            tuple(characters),
            tuple(clips),
            256 if size is None else size,
            _whole(data, "count", "the file"),
            seed or 0,
            _numbers(data, "cameras", Cameras),
            _numbers(data, "poses", Poses),
        )


def _numbers(data: dict[str, Any], key: str, kind: type[Any]) -> Any:
    """A dataclass of numbers from a table of the same keys; `yaws` is a list."""
    table = data.get(key, {})
    if not isinstance(table, dict):
        raise UserError(f"{key} must be a table, [{key}].")
    _known_keys(table, {f.name for f in dataclasses.fields(kind)}, f"[{key}]")
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name == "yaws":
            if not isinstance(value, list) or not all(_is_number(v) for v in value):
                raise UserError("yaws must be a list of angles in degrees.")
            values[name] = tuple(float(v) for v in value)
        elif not _is_number(value):
            raise UserError(f"{name} must be a number.")
        else:
            values[name] = float(value)
    return kind(**values)


def _tables(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    tables = data.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UserError(f"{key} must be a list of tables, [[{key}]].")
    return tables


def _text(table: dict[str, Any], key: str, where: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise UserError(f"{where}: {key} must be a text in quotes.")
    return value


def _whole(table: dict[str, Any], key: str, where: str) -> int | None:
    value = table.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise UserError(f"{where}: {key} must be a whole number.")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _known_keys(table: dict[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise UserError(f'{where} has the unknown key "{unknown[0]}"; known are {", ".join(sorted(known))}.')


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise UserError(sentence)


def _stem(rig: str) -> str:
    return rig if rig.partition(":")[0] == "builtin" else Path(rig).stem
