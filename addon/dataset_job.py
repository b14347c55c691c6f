# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""From the Dataset panel's settings to a render job, and back. The settings are written as a job file has them and read as one is, so that
panel and command line cannot mean different things by the same words.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from math import degrees, radians
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..errors import UserError
from .character import LOADED_AS
from .dataset_folder import is_there
from .dataset_properties import FRAMINGS, LABELS, NINGYO_dataset, NINGYO_dataset_character, NINGYO_dataset_clip
from .language import said

if TYPE_CHECKING:
    from ..synth_data.render.job import RenderJob

NO_NUMPY = "This Blender's Python has no numpy: render with the command line"
MOST = 2**31 - 1  # Blender's largest whole number
BUILTIN = re.compile(r"builtin(?::(\d+))?")
EVENLY = 3  # angles from so many on that are evenly spread are a full orbit


@dataclass(frozen=True)
class Wanted:
    """The job, or in a short sentence why there is none."""

    job: RenderJob | None
    problem: str = ""


def has_numpy() -> bool:
    """Some distributions' Blender comes without it."""
    return importlib.util.find_spec("numpy") is not None


def wanted(scene: bpy.types.Scene, sources: Path) -> Wanted:
    """What the panel asks for. Characters and motions of the scene are said to lie in `sources`, where `write_sources` puts them."""
    if not has_numpy():
        return Wanted(None, said(NO_NUMPY))
    settings = scene.ningyo.dataset
    problem = obstacle(scene)
    if problem:
        return Wanted(None, problem)
    try:
        data = data_of(settings, sources)
    except UserError as error:
        return Wanted(None, str(error))
    return _read(json.dumps(data))


@lru_cache(maxsize=8)
def _read(text: str) -> Wanted:
    """Panels are drawn many times a second, and a job may be of ten thousand characters."""
    # Numpy's part of Ningyo is loaded when it is used, so that enabling the add-on takes no time.
    from ..synth_data.render.job_file import job_from

    try:
        return Wanted(job_from(json.loads(text), Path()))
    except UserError as error:
        return Wanted(None, str(error))


def obstacle(scene: bpy.types.Scene) -> str:
    """What is missing, as a short sentence; empty where nothing is. What numbers are impossible together is left to the job."""
    settings = scene.ningyo.dataset
    characters, clips = enabled(settings.characters), enabled(settings.clips)
    if not characters:
        return said("Enable a character" if len(settings.characters) else "Add a character")
    if not clips and not settings.poses.sampled:
        return said("Enable a clip" if len(settings.clips) else "Add a clip")
    if not clips and not settings.counts:
        return said("Sampled poses have no end: limit the samples")
    for line in (*characters, *clips):
        problem = line_problem(scene, line)
        if problem:
            return problem
    for text, lines in (
        ("Two characters are called {name}: give one of them another name", characters),
        ("Two clips are called {name}: give one of them another name", clips),
    ):
        twice = _twice([title(line) for line in lines if not (is_character(line) and line.kind == "BUILTIN")])
        if twice:
            return said(text, name=twice)
    if not settings.cameras.framings:
        return said("Choose a framing")
    background = settings.background
    if background.kind in ("COLOURS", "BOTH") and not len(background.colours):
        return said("Add a color for the background")
    if background.kind in ("PICTURES", "BOTH"):
        if not background.pictures:
            return said("Choose a folder with pictures for the background")
        if not is_there(path_of(background.pictures)):
            return said("The folder with pictures for the background is not there")
    return ""


def line_problem(scene: bpy.types.Scene, line: Any) -> str:
    """Why a line of a list cannot be used; empty where it can."""
    if line.kind == "FILE":
        if not line.file:
            return said("Choose the character's file" if is_character(line) else "Choose the clip's file")
        if not is_there(path_of(line.file)):
            return said("{file} is not there", file=path_of(line.file).name)
    elif line.kind == "ARMATURE":
        if line.armature is None:
            return said("Choose the character's armature")
        if line.armature.name not in scene.objects:
            return said("{name} is in another scene", name=line.armature.name)
    elif line.kind == "MOTION":
        if line.armature is None:
            return said("Choose the armature with the motion")
        if not any(motion.armature == line.armature for motion in scene.ningyo.motions):
            return said("{name} has no motion from the Motion panel", name=line.armature.name)
    return ""


def title(line: Any) -> str:
    """What a line of a list is called."""
    if line.name:
        return line.name
    if line.kind == "BUILTIN":
        if line.many > 1:
            return said("Built-in {first} to {last}", first=line.seed, last=line.seed + line.many - 1)
        return said("Built-in {number}", number=line.seed)
    if line.kind == "FILE":
        return path_of(line.file).stem if line.file else said("No file")
    return line.armature.name if line.armature is not None else said("No armature")


def is_character(line: Any) -> bool:
    return isinstance(line, NINGYO_dataset_character)


def is_builtin(line: NINGYO_dataset_character) -> bool:
    """Whether an armature of the scene is a built-in character, which is made anew: a file for others would not hold its colours."""
    loaded = line.armature.get(LOADED_AS) if line.kind == "ARMATURE" else None
    return isinstance(loaded, str) and BUILTIN.fullmatch(loaded) is not None


def enabled(lines: Sequence[Any]) -> list[Any]:
    return [line for line in lines if line.enabled]


def path_of(path: str) -> Path:
    return Path(os.path.abspath(bpy.path.abspath(path)))


def source_of(line: Any, sources: Path) -> Path:
    """Where a character or a motion of the scene is written for the worker."""
    from ..synth_data.dataset.folder import safe_name

    return sources / f"{safe_name(line.armature.name)}{'.glb' if is_character(line) else '.npz'}"


def data_of(settings: NINGYO_dataset, sources: Path) -> dict[str, Any]:
    """The job as a job file has it, with absolute paths. Raises UserError for angles that are no numbers."""
    cameras, poses, look = settings.cameras, settings.poses, settings.look
    data: dict[str, Any] = {
        "size": settings.size,
        **({"count": settings.count} if settings.counts else {}),
        "seed": settings.seed,
        "labels": [name for name in LABELS if getattr(settings.labels, name)],
        **({"head_size": settings.head_size} if settings.labels.head and settings.has_head_size else {}),
        "characters": [_character(line, sources) for line in enabled(settings.characters)],
        "clips": [_clip(line, sources) for line in enabled(settings.clips)],
        "cameras": {
            "yaws": _orbit(cameras.orbit) if cameras.around == "ORBIT" else _angles(cameras.angles),
            "framings": [name for name, *_ in FRAMINGS if name in cameras.framings],
            **_numbers(cameras, "yaw_jitter", "elevation_jitter", "distance_jitter", "framing_jitter"),
            "consecutive": cameras.consecutive,
        },
        "poses": _numbers(poses, "variations", "mirrored", "spread", "sampled", "expressions"),
        "look": {
            **{name: _range(look, name) for name in ("light_yaw", "light_elevation", "outline")},
            "tones": [int(tones) for tones in look.tones.split(",")],
            "palettes": look.palettes,
        },
        "background": {},
    }
    if cameras.rise != "AUTO":
        data["cameras"][cameras.rise.lower()] = _range(cameras, cameras.rise.lower())
    if cameras.reach != "AUTO":
        data["cameras"][cameras.reach.lower()] = _range(cameras, cameras.reach.lower())
    background = settings.background
    if background.kind in ("COLOURS", "BOTH"):
        data["background"]["colours"] = [_hexadecimal(colour.value) for colour in background.colours]
    if background.kind in ("PICTURES", "BOTH"):
        data["background"]["pictures"] = str(path_of(background.pictures))
    return data


def _character(line: NINGYO_dataset_character, sources: Path) -> dict[str, Any]:
    named = {"name": line.name} if line.name else {}
    if line.kind == "BUILTIN":
        return {"rig": f"builtin:{line.seed}" + (f"-{line.seed + line.many - 1}" if line.many > 1 else ""), **named}
    if is_builtin(line):
        return {"rig": line.armature[LOADED_AS], "name": line.name or line.armature.name}
    return {"rig": str(path_of(line.file) if line.kind == "FILE" else source_of(line, sources)), **named}


def _clip(line: NINGYO_dataset_clip, sources: Path) -> dict[str, Any]:
    only_for = [name for name in (part.strip() for part in line.characters.split(",")) if name]
    return {
        "motion": str(path_of(line.file) if line.kind == "FILE" else source_of(line, sources)),
        **({"name": line.name} if line.name else {}),
        **({"start": line.start} if line.trims else {}),
        **({"end": line.end} if line.trims and line.end else {}),
        **({} if line.split == "AUTO" else {"split": line.split.lower()}),
        **({"characters": only_for} if only_for else {}),
        "speed": _range(line, "speed"),
        **_numbers(line, "mirrored"),
    }


def _numbers(group: Any, *names: str) -> dict[str, float]:
    return {name: _number(getattr(group, name), is_angle(group, name)) for name in names}


def _range(group: Any, name: str) -> list[float]:
    return sorted(_number(value, is_angle(group, name)) for value in getattr(group, name))


def _number(value: float, is_angle: bool) -> float:
    """As it was typed: Blender keeps single precision, in which 0.1 is 0.10000000149, and angles in radians, where jobs have degrees."""
    return float(f"{degrees(value) if is_angle else value:.6g}")


def is_angle(group: Any, name: str) -> bool:
    return bool(group.bl_rna.properties[name].unit == "ROTATION")


def _orbit(count: int) -> list[float]:
    return [i * 360 / count for i in range(count)]


def _angles(text: str) -> list[float]:
    parts = [part for part in re.split(r"[,;\s]+", text.replace("°", " ")) if part]
    try:
        return [float(part) for part in parts]
    except ValueError:
        raise UserError(said("The cameras' angles must be numbers with commas between, not {text}", text=text)) from None


def _hexadecimal(colour: Sequence[float]) -> str:
    return "".join(f"{round(255 * value):02X}" for value in colour)


def _twice(names: Sequence[str]) -> str:
    return next((name for number, name in enumerate(names) if name in names[:number]), "")


def take(settings: NINGYO_dataset, job: RenderJob) -> list[str]:
    """Set the panel to a job; the output stays. Returns which parts of the job the panel cannot hold as they are."""
    from ..synth_data.render.job import default_head_size, own_name
    from ..synth_data.render.job_file import in_rows, job_from

    settings.characters.clear()
    for character, many in in_rows(job.characters):
        line = settings.characters.add()
        found = BUILTIN.fullmatch(character.rig)
        line.kind = "BUILTIN" if found else "FILE"
        if found:
            line.seed, line.many = min(int(found[1] or 0), MOST), many
        else:
            line.file = character.rig
        plain = f"builtin:{line.seed}" if found else character.rig
        line.name = "" if character.name == own_name(plain) else character.name
    settings.clips.clear()
    for clip in job.clips:
        line = settings.clips.add()
        line.file = str(clip.motion)
        line.name = "" if clip.name == own_name(clip.motion) else clip.name
        line.trims, line.start, line.end = bool(clip.start or clip.end), min(clip.start, MOST), min(clip.end or 0, MOST)
        line.split = (clip.split or "auto").upper()
        line.characters = ", ".join(clip.characters)
        line.speed, line.mirrored = clip.speed, clip.mirrored
    settings.character = settings.clip = 0
    settings.size, settings.seed = job.size, min(job.seed, MOST)
    settings.counts, settings.count = job.count is not None, min(job.count or settings.count, MOST)
    for name in LABELS:
        setattr(settings.labels, name, name in job.labels)
    settings.has_head_size, settings.head_size = job.head_size != default_head_size(job.size), job.head_size
    _take_cameras(settings.cameras, job.cameras)
    for group, part in ((settings.poses, job.poses), (settings.look, job.look)):
        for entry in fields(part):
            if entry.name != "tones":
                _put(group, entry.name, getattr(part, entry.name))
    tones = ",".join(map(str, sorted(set(job.look.tones))))
    settings.look.tones = tones
    _take_background(settings.background, job.background)

    held = job_from(data_of(settings, Path()), Path())
    return [entry.name.replace("_", " ") for entry in fields(job) if getattr(held, entry.name) != getattr(job, entry.name)]


def _take_cameras(group: Any, cameras: Any) -> None:
    yaws = cameras.yaws
    around = len(yaws) >= EVENLY and all(abs(yaw - even) < 1e-6 for yaw, even in zip(yaws, _orbit(len(yaws)), strict=True))
    group.around = "ORBIT" if around else "ANGLES"
    if around:
        group.orbit = len(yaws)
    else:
        group.angles = ", ".join(f"{yaw:.12g}" for yaw in yaws)
    for kind, names in (("rise", ("elevation", "height")), ("reach", ("distance", "lens"))):
        given = next((name for name in names if getattr(cameras, name) is not None), None)
        setattr(group, kind, given.upper() if given else "AUTO")
        if given:
            _put(group, given, getattr(cameras, given))
    group.framings = set(cameras.framings)
    for name in ("yaw_jitter", "elevation_jitter", "distance_jitter", "framing_jitter", "consecutive"):
        _put(group, name, getattr(cameras, name))


def _put(group: Any, name: str, value: Any) -> None:
    if is_angle(group, name):
        value = tuple(map(radians, value)) if isinstance(value, tuple) else radians(value)
    setattr(group, name, value)


def _take_background(group: Any, background: Any) -> None:
    colours, pictures = bool(background.colours), background.pictures is not None
    group.kind = {(False, False): "NONE", (True, False): "COLOURS", (False, True): "PICTURES", (True, True): "BOTH"}[colours, pictures]
    group.colours.clear()
    for colour in background.colours:
        group.colours.add().value = [value / 255 for value in bytes.fromhex(colour)]
    if pictures:
        group.pictures = str(background.pictures)
