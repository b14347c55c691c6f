# SPDX-License-Identifier: GPL-3.0-or-later
"""Giving characters the cel look, and taking it away.

The look is made of modifiers alone: material slots, mesh data and vertex groups of a character are never touched, so that taking the
modifiers away brings back exactly what was, also in a file that was saved in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

from ....errors import UserError
from .faces import LOOK, MARK, Dress, look_group, mark_group, materials_of
from .materials import BUILT_IN, cel_copy, is_cel, set_third
from .nodes import CEL, light_direction, set_light
from .outline import OUTLINE, add_hull, default_width, outline_width, set_outline_width

LINE_PIXELS = 1.25  # as thin as a line can be drawn without looking ragged


def apply_cel_look(meshes: Iterable[Any], *, pixel_size: float | None = None, outline: bool = True, tones: int = 2) -> None:
    """Give mesh objects the cel look, with two or three tones. Others than meshes are passed over.

    `pixel_size` is a pixel's size in metres at the subject, of which the outline gets 1.25; without it the outline stays as wide as it is,
    or as suits the character's size. Base colours, their textures and alpha are kept. Done again, it makes the look anew, from the
    materials as they are by then. Built-in characters have the look already; their outline and tones (of all of them in the file) are set.

    Raises UserError for an object that cannot be changed (linked from another file), before anything is changed.
    """
    items = _changeable(meshes)
    width = LINE_PIXELS * pixel_size if pixel_size is not None else outline_width(items) or default_width(items)
    if tones not in (2, 3):
        raise ValueError(f"there are two or three tones, not {tones}")
    light = light_direction()
    for item in items:
        if not is_built_in(item):
            _undress(item)
    _sweep()
    copies: dict[Any, tuple[Any, Any]] = {}
    for item in items:
        if not is_built_in(item):
            _dress(item, copies, outline, tones)
        elif OUTLINE in item.modifiers:
            item.modifiers[OUTLINE].show_render = item.modifiers[OUTLINE].show_viewport = outline
    _sweep()
    set_light(light)
    if outline:
        set_outline_width(items, width)
    set_tones(items, tones)


def slots_in_look(item: Any) -> list[Any]:
    """Put the look's materials straight into the slots of a mesh object that is nobody else's, without modifiers; returns each slot's
    material of the outline, None where that is the common one. A built-in character's slots are in the look already.
    """
    if is_built_in(item):
        return [None] * len(item.material_slots)
    if not item.material_slots:
        item.data.materials.append(None)
    copies: dict[Any, tuple[Any, Any]] = {}
    inks = []
    for slot in item.material_slots:
        material = slot.material
        if material not in copies:
            copies[material] = cel_copy(material)
        slot.link = "OBJECT"
        slot.material, ink = copies[material]
        inks.append(ink)
    return inks


def remove_cel_look(meshes: Iterable[Any]) -> None:
    """Bring back what the mesh objects were before `apply_cel_look`; nothing of the look stays in the file that is of no use any more.

    Objects without it stay as they are, and built-in characters, which have no other look. Raises UserError as `apply_cel_look`.
    """
    for item in _changeable(meshes):
        if not is_built_in(item):
            _undress(item)
    _sweep()


def has_cel_look(item: Any) -> bool:
    return item.type == "MESH" and (is_built_in(item) or LOOK in item.modifiers)


def set_tones(meshes: Iterable[Any], tones: int) -> None:
    """Give mesh objects that have the look two or three tones; cheap enough for once a picture. Raises ValueError for other numbers."""
    for item in meshes:
        for material in _materials(item):
            set_third(material, tones)


def _materials(item: Any) -> set[Any]:
    """The look's materials that an object shows."""
    shown = {slot.material for slot in item.material_slots if is_cel(slot.material)}
    for modifier in item.modifiers:
        if _is_look(modifier):
            shown |= materials_of(modifier.node_group)
    return shown


def _changeable(meshes: Iterable[Any]) -> list[Any]:
    items = [item for item in dict.fromkeys(meshes) if item.type == "MESH"]
    for item in items:
        if item.library is not None or (item.override_library is not None and item.override_library.is_system_override):
            raise UserError(
                f"{item.name} is linked from another file; make a library override of it that can be edited (Object, Library Override) "
                "and try again."
            )
    return items


def is_built_in(item: Any) -> bool:
    """Whether a mesh object is a built-in character's."""
    return any(is_cel(slot.material, BUILT_IN) for slot in item.material_slots)


def _is_look(modifier: Any) -> bool:
    return modifier.type == "NODES" and modifier.node_group is not None and modifier.node_group.get(CEL) is not None


def _dress(item: Any, copies: dict[Any, tuple[Any, Any]], outline: bool, tones: int) -> None:
    slots = []
    for slot in item.material_slots or [None]:
        material = None if slot is None else slot.material
        if material not in copies:
            copies[material] = cel_copy(material, tones)
        slots.append(Dress(material, slot is None or slot.link == "DATA", *copies[material]))
    if outline:
        _nodes(item, MARK, mark_group())
        add_hull(item)
    _nodes(item, LOOK, look_group(f"{LOOK} {item.name}", slots if item.material_slots else [], slots[0]))


def _nodes(item: Any, name: str, group: Any) -> None:
    modifier = item.modifiers.new(name, "NODES")
    modifier.node_group = group
    modifier.show_group_selector = False


def _undress(item: Any) -> None:
    ours = [modifier for modifier in item.modifiers if _is_look(modifier)]
    if ours and OUTLINE in item.modifiers:
        ours.append(item.modifiers[OUTLINE])
    for modifier in ours:
        item.modifiers.remove(modifier)


def _sweep() -> None:
    """Remove what belongs to the look and is of no use any more."""
    kept: tuple[Any, ...] = (bpy.data.node_groups, bpy.data.materials)
    while unused := [(all_, data) for all_ in kept for data in all_ if data.get(CEL) is not None and not data.users and not data.library]:
        for all_, data in unused:  # not `batch_remove`: in 4.2 it leaves the users of images too high
            all_.remove(data)
