# SPDX-License-Identifier: GPL-3.0-or-later
"""A render job as a file: TOML for people, and the same keys as JSON in the dataset (`job.json`), so that it can be gone on with.

size = 256                      # side of the pictures, px
count = 2000                    # samples in all; left out: every frame from every yaw, and the variations' share on top
seed = 0
labels = ["skeleton", "mask", "parts", "depth", "normal", "uv", "flow", "head", "limbs", "capsules"]   # left out: skeleton
head_size = 128                 # side of the heads' pictures, px; left out: half of size

[[characters]]                  # one or more
rig = "ybot.glb"                # or "builtin:7", or "builtin:1-50" for fifty of them; paths are relative to this file
name = "ybot"
attributes = {hair = "short brown", outfit = "a school uniform"}   # for captions; built-in characters have theirs

[[clips]]                       # one or more
motion = "dance.npz"            # what `ningyo retarget` wrote, for whatever character, or an .fbx, .glb or .bvh
name = "dance"
start = 0                       # frames of the motion, the end not included
end = 400
split = "train"                 # or "test"; left out: chosen, by whole clips
characters = ["ybot"]           # left out: all
speed = [0.8, 1.25]             # a number, or a range of which every go through the clip takes a value
mirrored = 0.5                  # share of the goes with left and right exchanged
attributes = {action = "dancing"}      # for captions, instead of the clip's name

[cameras]                       # a number or a range [low, high]; from each range every picture takes a value
yaws = [0, 30, -30]             # degrees around the character, from the motion's own camera (else from the front); positive: to its left
yaw_jitter = 10
elevation = [-5, 30]            # degrees; left out: the motion's own camera's, else 5
elevation_jitter = 5
height = 1.5                    # instead of elevation: metres above the floor
distance = 4.0                  # metres; left out: the motion's own camera's, else 2.5 times the character's height
distance_jitter = 0.1           # share
lens = [35, 85]                 # instead of distance: millimetres, on a full-frame camera
framings = ["body", "upper", "head"]   # what pictures show; left out: body
framing_jitter = 0.02           # share of the picture's side
consecutive = 2                 # so many frames of a training clip in a row are seen by one camera in one look; left out: 1

[poses]
variations = 0.3                # share of samples that are random variations of the training clips' poses
mirrored = 0.5                  # share of the variations with left and right exchanged
spread = 1.0                    # how far they go
sampled = 0.1                   # share of samples whose poses come from no clip
expressions = 0.3               # share of samples with a random expression

[look]
light_yaw = [-60, 60]           # degrees; 0: from before the character at rest, positive: from its left
light_elevation = [20, 60]
outline = [1.0, 1.6]            # px; 0: none
tones = 2                       # 2, 3 or [2, 3]
palettes = 4                    # in how many sets of colours a built-in character appears

[background]                    # left out: the pictures are transparent
colours = ["F4F1EA", "2B3556"]
pictures = "photos"             # a folder
"""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import UserError
from ...jobs.folder import write_atomically
from .job import Attributes, Background, Cameras, CharacterJob, ClipJob, Look, Poses, RenderJob, default_head_size, expanded, own_name

JOB = "job.json"
_LISTS = {"yaws": (int, float), "framings": (str,), "tones": (int,), "colours": (str,)}
_WHOLE = ("palettes", "consecutive")
_RANGES = ("elevation", "height", "distance", "lens", "speed", "light_yaw", "light_elevation", "outline")


def load_job(path: Path | str) -> RenderJob:
    """From TOML, or a dataset's `job.json`. Raises UserError, naming the file, when it cannot be read or says what cannot be done."""
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UserError(f"The job file {path} cannot be read ({reason}); check the path.") from error
    try:
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise UserError(f"The job file {path} is not proper {kind} ({error}).") from error
    try:
        return job_from(data, path.parent)
    except UserError as error:
        raise UserError(f"The job file {path}: {error}") from error


def save_job(job: RenderJob, path: Path | str) -> None:
    """Write the job as TOML for people, from which `load_job` makes the same job where its paths are absolute: only what differs from the
    defaults, paths below the file's folder relative to it, and characters in a row that differ in their seed alone in one line.

    Raises OSError.
    """
    path = Path(path).absolute()
    write_atomically(path, f"# What to render: ningyo render {path.name} --out FOLDER\n{_toml(_for_people(job, path.parent))}")


def in_rows(characters: Sequence[CharacterJob]) -> list[tuple[CharacterJob, int]]:
    """The characters with how many in a row begin there: built-in ones of rising seeds without names of their own are one row."""
    rows: list[tuple[CharacterJob, int]] = []
    for character in characters:
        seed = _plain_seed(character)
        if rows and seed is not None:
            first = _plain_seed(rows[-1][0])
            if first is not None and seed == first + rows[-1][1]:
                rows[-1] = rows[-1][0], rows[-1][1] + 1
                continue
        rows.append((character, 1))
    return rows


def _plain_seed(character: CharacterJob) -> int | None:
    """The seed of a built-in character that has the name that it gets by itself."""
    found = re.fullmatch(r"builtin:(0|[1-9]\d*)", character.rig)
    return int(found[1]) if found and character.name == own_name(character.rig) and not character.attributes else None


def _for_people(job: RenderJob, folder: Path) -> dict[str, Any]:
    """As `job_data`, without what goes without saying."""

    def near(path: str) -> str:
        place = Path(path)
        return place.relative_to(folder).as_posix() if place.is_relative_to(folder) else path

    data = job_data(job)
    if data["head_size"] == default_head_size(job.size):
        del data["head_size"]
    characters: list[dict[str, Any]] = []
    for character, count in in_rows(job.characters):
        if count > 1:
            seed = _plain_seed(character) or 0
            characters.append({"rig": f"builtin:{seed}-{seed + count - 1}"})
        else:
            rig = character.rig if _is_builtin(character.rig) else near(Path(character.rig).absolute().as_posix())
            named = {} if character.name == own_name(character.rig) else {"name": character.name}
            characters.append({"rig": rig, **named, **_as_table(character.attributes)})
    clips: list[dict[str, Any]] = []
    for clip in data["clips"]:
        named = {} if clip["name"] == own_name(clip["motion"]) else {"name": clip["name"]}
        rest = {key: value for key, value in clip.items() if key not in ("motion", "name")}
        clips.append({"motion": near(clip["motion"]), **named, **rest})
    data |= {"characters": characters, "clips": clips}
    if "pictures" in data.get("background", {}):
        data["background"]["pictures"] = near(data["background"]["pictures"])
    return data


def _toml(data: dict[str, Any]) -> str:
    """The data of a job in TOML 1.0: plain values, then tables and lists of tables of plain values."""
    tables = {key: value for key, value in data.items() if isinstance(value, dict) or (value and _are_tables(value))}
    lines = [f"{key} = {_toml_value(value)}" for key, value in data.items() if key not in tables and not (key == "clips" and not value)]
    for key, value in tables.items():
        for table in [value] if isinstance(value, dict) else value:
            lines += ["", f"[{key}]" if isinstance(value, dict) else f"[[{key}]]"]
            lines += [f"{name} = {_toml_value(entry)}" for name, entry in table.items()]
    return "\n".join(lines) + "\n"


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _toml_value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_toml_value(key)} = {_toml_value(entry)}' for key, entry in value.items())}}}"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, str):
        # JSON's escapes are TOML's, but that TOML takes no raw delete.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def job_data(job: RenderJob) -> dict[str, Any]:
    """The job as `load_job` reads it from JSON, with absolute paths; only what differs from the defaults."""
    data: dict[str, Any] = {
        "size": job.size,
        **({} if job.count is None else {"count": job.count}),
        "seed": job.seed,
        "labels": list(job.labels),
        "head_size": job.head_size,
        "characters": [
            {
                "rig": c.rig if _is_builtin(c.rig) else Path(c.rig).absolute().as_posix(),
                "name": c.name,
                **_as_table(c.attributes),
            }
            for c in job.characters
        ],
        "clips": [
            {**_changed(clip), **_as_table(clip.attributes), "motion": clip.motion.absolute().as_posix(), "name": clip.name}
            for clip in job.clips
        ],
    }
    for key in ("cameras", "poses", "look", "background"):
        changed = _changed(getattr(job, key))
        if "pictures" in changed:
            changed["pictures"] = changed["pictures"].absolute().as_posix()
        if changed:
            data[key] = changed
    return json.loads(json.dumps(data))


def _as_table(attributes: Attributes) -> dict[str, dict[str, str]]:
    return {"attributes": dict(attributes)} if attributes else {}


def _changed(part: Any) -> dict[str, Any]:
    """A dataclass's fields that are not as they are by default."""
    values: dict[str, Any] = {}
    for entry in dataclasses.fields(part):
        value = getattr(part, entry.name)
        if entry.name not in ("motion", "name") and value != entry.default:
            # 0 and 0.0 are one job, and must be one text.
            values[entry.name] = float(value) if isinstance(entry.default, float) else value
    return values


def job_from(data: Any, folder: Path) -> RenderJob:
    """The job of a job file's content; paths are relative to `folder`. Raises UserError."""
    if not isinstance(data, dict):
        raise UserError("it is no table of settings.")
    parts = {"cameras": Cameras, "poses": Poses, "look": Look, "background": Background}
    _known_keys(data, {"size", "count", "seed", "labels", "head_size", "characters", "clips", *parts}, "the file")
    characters = []
    for number, table in enumerate(_tables(data, "characters"), 1):
        where = f"character {number}"
        _known_keys(table, {"rig", "name", "attributes"}, where)
        rig = _text(table, "rig", where)
        if rig is None:
            raise UserError(f"{where} names no rig.")
        specs = expanded(rig) if _is_builtin(rig) else [str(folder / rig)]
        name = _text(table, "name", where) or ""
        words = _attributes(table, where)
        characters += [CharacterJob(spec, name if len(specs) == 1 or not name else f"{name}{i}", words) for i, spec in enumerate(specs)]
    clips = []
    for number, table in enumerate(_tables(data, "clips"), 1):
        where = f"clip {number}"
        _known_keys(table, {entry.name for entry in dataclasses.fields(ClipJob)}, where)
        motion = _text(table, "motion", where)
        if motion is None:
            raise UserError(f"{where} names no motion.")
        for_whom = table.get("characters", [])
        if not isinstance(for_whom, list) or not all(isinstance(name, str) for name in for_whom):
            raise UserError(f"{where}: characters must be a list of names.")
        split, name = _text(table, "split", where), _text(table, "name", where) or ""
        start, end = _whole(table, "start", where) or 0, _whole(table, "end", where)
        speed, mirrored = _value(table.get("speed", 1.0), "speed"), _value(table.get("mirrored", 0.0), "mirrored")
        words = _attributes(table, where)
        clips.append(ClipJob(folder / motion, name, start, end, split, tuple(for_whom), speed, mirrored, words))
    labels = data.get("labels", list(RenderJob.labels))
    if not isinstance(labels, list) or not all(isinstance(kind, str) for kind in labels):
        raise UserError("labels must be a list of names.")
    size, seed = _whole(data, "size", "the file"), _whole(data, "seed", "the file")
    made = {key: _part(data, key, kind) for key, kind in parts.items()}
    if made["background"].pictures is not None:
        made["background"] = dataclasses.replace(made["background"], pictures=folder / made["background"].pictures)
    return RenderJob(
        tuple(characters), tuple(clips), 256 if size is None else size, _whole(data, "count", "the file"), seed or 0,
        tuple(labels), _whole(data, "head_size", "the file") or 0, **made,
    )  # fmt: skip


def _part(data: dict[str, Any], key: str, kind: type[Any]) -> Any:
    """One of the job's dataclasses from the table of the same keys."""
    table = data.get(key, {})
    if not isinstance(table, dict):
        raise UserError(f"{key} must be a table, [{key}].")
    _known_keys(table, {entry.name for entry in dataclasses.fields(kind)}, f"[{key}]")
    return kind(**{name: _value(value, name) for name, value in table.items()})


def _value(value: Any, name: str) -> Any:
    if name == "pictures":
        if not isinstance(value, str):
            raise UserError("pictures must be the path of a folder, in quotes.")
        return Path(value)
    if name in _LISTS:
        several = value if isinstance(value, list) else [value]
        kinds = _LISTS[name]
        if not all(isinstance(v, kinds) and not isinstance(v, bool) for v in several):
            raise UserError(f"{name} must be a list of {'texts' if str in kinds else 'numbers'}.")
        return tuple(float(v) if float in kinds else v for v in several)
    if name in _RANGES:
        several = value if isinstance(value, list) else [value, value]
        if len(several) != 2 or not all(map(_is_number, several)):
            raise UserError(f"{name} must be a number, or a range of two, [low, high].")
        return float(several[0]), float(several[1])
    whole = name in _WHOLE
    if not _is_number(value) or (whole and not isinstance(value, int)):
        raise UserError(f"{name} must be a {'whole ' if whole else ''}number.")
    return value if whole else float(value)


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


def _attributes(table: dict[str, Any], where: str) -> Attributes:
    value = table.get("attributes", {})
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise UserError(f'{where}: attributes must be a table of texts, {{hair = "long brown"}}.')
    return tuple(value.items())


def _whole(table: dict[str, Any], key: str, where: str) -> int | None:
    value = table.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise UserError(f"{where}: {key} must be a whole number.")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_builtin(rig: str) -> bool:
    return rig.partition(":")[0] == "builtin"


def _known_keys(table: dict[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise UserError(f'{where} has the unknown key "{unknown[0]}"; known are {", ".join(sorted(known))}.')
