# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample in words, for generators that are trained with captions: who, what they do, and how they are seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from .body import framing, states_of, view_angles
from .folder import Dataset, Sample
from .sample import SamplePose
from .splits import TAIL

_STEEP = 25.0  # degrees from which on the camera's height is worth a word
_WORN = ("outfit", "clothes", "accessory", "accessories", "hat", "glasses")


def caption(dataset: Dataset, sample: Sample, pose: SamplePose) -> str:
    """`anime character, brown twin tails, blue eyes, wearing a blazer, dancing, from the left side, full body`."""
    clips = dataset.header.get("clips", {})
    look = sample.details.get("look", {})
    who = describe(dataset.about(sample.character), sample.character, look.get("palette", 0) if isinstance(look, dict) else 0)
    return ", ".join(["anime character", who, _doing(clips.get(sample.clip, {}), sample.clip), *view_words(pose)])


def describe(entry: Mapping[str, Any], name: str, palette: int = 0) -> str:
    """A character in words, from the "attributes" (name → text) of its `character.json`, in their order; its name where it has none. One
    that appears in several sets of colours has "palettes" of attributes.

    An attribute's name is said where the text would not be understood alone: {"hair": "long brown", "outfit": "a school uniform"} is "long
    brown hair, wearing a school uniform".
    """
    palettes = entry.get("palettes")
    attributes = _attributes(palettes[palette] if isinstance(palettes, list) and 0 <= palette < len(palettes) else entry)
    return ", ".join(_phrase(key, text) for key, text in attributes.items()) or _plain(name)


def view_words(pose: SamplePose) -> list[str]:
    """From where the body is seen and how much of it: ["from the left side", "from above", "full body"]."""
    yaw, elevation = view_angles(pose.points_3d, pose.world_to_camera)
    words = []
    if np.isfinite(yaw):
        sides = ("from the front", "from the left side", "from behind", "from the right side")
        words.append(sides[int(np.round(yaw / 90)) % 4])
        if abs(elevation) >= _STEEP:
            words.append("from above" if elevation > 0 else "from below")
    return [*words, framing(states_of(pose))]


def _doing(entry: Mapping[str, Any], name: str) -> str:
    return ", ".join(_attributes(entry).values()) or _plain(name.removesuffix(TAIL))


def _attributes(entry: Any) -> dict[str, str]:
    found = entry.get("attributes") if isinstance(entry, Mapping) else None
    return {str(key): str(text).strip() for key, text in found.items() if str(text).strip()} if isinstance(found, Mapping) else {}


def _phrase(key: str, text: str) -> str:
    noun = re.sub(r"[_ ]?(colou?r|style)$", "", key).replace("_", " ")
    if key in _WORN:
        return f"wearing {text}"
    if noun in ("hair", "eyes", "skin") and noun not in text and not key.endswith("style"):
        return f"{text} {noun}"
    return text


def _plain(name: str) -> str:
    """A folder's name as words."""
    return " ".join(re.split(r"[\s_.-]+", name)).strip() or name
