# SPDX-License-Identifier: GPL-3.0-or-later
"""A character from a seed, as Blender objects: an armature, a body with an outline, and a face without one.

Geometry is made by numpy alone and is the same in every version of Blender.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..cel import BASE, FLAT, LINE, SHADE, add_outline, cel_material
from ..palette import Colour, linear, parse
from . import skeleton
from .body import FINGERS, joints, tubes
from .design import Design, design
from .extras import add_extras
from .face import FaceColours, FaceStyle, draw_face
from .fields import surface
from .footwear import RUBBER
from .hair import Piece
from .hairstyles import build_hair
from .head import Skull, ear_mesh, skull_mesh
from .headwear import HEADWEAR, Wearer
from .mesh import Array, Part, clip, face_normals, join, merge, painted, smoothstep, sound
from .outfits import OUTFITS, Cloth, Dressing
from .tailor import FULL, Figure, Garment

# Evaluated vertices of a character for datasets.
BUDGET = 25_000
VOLUME = "ningyo_volume"  # vertex group: where bending keeps the volume


@dataclass
class BuiltCharacter:
    """What `build_character` made."""

    armature: bpy.types.Object
    meshes: list[bpy.types.Object]
    name: str


@dataclass
class Geometry:
    """A character before Blender: two painted meshes and the face's expressions, (N, 3) positions of the face's vertices each."""

    figure: Figure
    body: Part
    face: Part
    expressions: dict[str, Array]

    @property
    def evaluated(self) -> int:
        """How many vertices there are for a renderer: the outline's hull doubles the body."""
        return 2 * len(self.body.vertices) + len(self.face.vertices)

    def uv(self, part: Part) -> Array:
        """(L, 2) texture coordinates of a part's corners: a paper doll of the T-pose, seen from the front in the left half, from behind
        in the right one. Each face lies wholly in the half that its rest normal looks to.
        """
        everything = np.concatenate([self.body.vertices, self.face.vertices])
        size = 1.02 * max(2 * np.abs(everything[:, 0]).max(), everything[:, 2].max() - everything[:, 2].min())
        used = part.faces >= 0
        points = part.vertices[part.faces[used]]
        behind = np.repeat(face_normals(part.vertices, part.faces)[:, 1] > 0, used.sum(1))
        across = np.where(behind, -points[:, 0], points[:, 0]) / size
        up = (points[:, 2] - everything[:, 2].min()) / size
        return np.column_stack([0.25 + 0.5 * across + 0.5 * behind, up + 0.01])


def make_skull(figure: Figure, face: FaceStyle, human: bool = False) -> Skull:
    p, neck = figure.proportions, figure.joints["Neck"]
    return Skull(p.head, np.array([0.0, neck[1] - 0.055 * p.head, p.chin]), face.jaw, face.width, human)


def hands(figure: Figure) -> tuple[Array, Array]:
    """Both hands from the wrist on."""
    names = ["forearm", "palm", *(f"{f}{n}" for f in FINGERS for n in (1, 2, 3))]
    wrist = figure.joints["LeftHand"][0]
    cell, along = (0.0042, 1.0) if figure.fine else (0.0056, 1.7)
    mesh = surface(
        [figure.tubes[n] for n in names],
        cell * figure.H,
        half=False,
        within=((wrist - 0.03, -9, -9), (9, 9, 9)),
        stretch=(lambda x: np.full_like(x, along), None, None),
    )
    v, f = clip(mesh, mesh[0][:, 0] - wrist + 0.001)
    return merge([(v, f), (v * (-1, 1, 1), np.where(f[:, 3:] >= 0, f[:, ::-1], f[:, [2, 1, 0, 3]]))])


def hair_part(figure: Figure, pieces: Sequence[Piece], colour: Colour) -> Part:
    """Pieces of hair, or of what holds it, on their bones."""
    weights = np.concatenate([piece.weights(figure.bones) for piece in pieces])
    return painted(merge([piece.mesh for piece in pieces]), colour, weights, line=0.7)


def dye(part: Part, pieces: Sequence[Piece], tone: str, colour: Colour) -> None:
    """Give a part made of pieces a second colour: at the tips, inside, or in one lock."""
    along = np.concatenate([piece.along for piece in pieces])
    long = np.concatenate([np.full(len(piece.along), np.ptp(piece.mesh[0][:, 2])) for piece in pieces])
    kinds = np.repeat([piece.tone for piece in pieces], [len(piece.along) for piece in pieces])
    # Half of a short lock, but no more than the end of a long one.
    share = smoothstep(along, 0.50, 0.85) * (long > 0.05) if tone == "tips" else (kinds == tone).astype(float)
    part.base += share[:, None] * (colour.base - part.base)
    part.shade += share[:, None] * (colour.shade - part.shade)


def hair_glow(hair: str) -> Colour:
    """The colour of the light on hair: a lighter tint of it."""
    hue, saturation, value = colorsys.rgb_to_hsv(*parse(hair))
    tint = linear(np.array(colorsys.hsv_to_rgb(hue, 0.55 * saturation, value + 0.5 * (1 - value))))
    return Colour(tint, tint)


def cloth_of(choice: Design, skin: Colour) -> Cloth:
    c = choice.colours
    sole = RUBBER if choice.clothes.shoes in ("sneaker", "hightop") else Colour.of(c.shoe).shaded
    # Whatever differs most from the shoe.
    mark = max((c.accent, c.second, c.main), key=lambda text: float(np.abs(parse(text) - parse(c.shoe)).sum()))
    return Cloth(
        main=Colour.of(c.main),
        second=Colour.of(c.second),
        accent=Colour.of(c.accent),
        trim=Colour.of(c.trim),
        shoe=Colour.of(c.shoe),
        sole=sole,
        sock=Colour.of(c.sock),
        mark=Colour.of(mark),
        skin=skin,
    )


def geometry(choice: Design, seed: int, detail: str = FULL) -> Geometry:
    """The painted meshes of a design; `seed` drives what the design leaves open (the fall of each lock).

    For "dataset", a rich outfit that would have too many vertices is made on a coarser grid.
    """
    coarser = iter((1.0, 1.12, 1.25, 1.4, 1.6))
    shape = _shape(choice, seed, detail, next(coarser))
    while detail != FULL and shape.evaluated > BUDGET:
        shape = _shape(choice, seed, detail, next(coarser))
    return shape


def _shape(choice: Design, seed: int, detail: str, coarser: float) -> Geometry:
    p = choice.proportions
    j = joints(p)
    figure = Figure(p, j, tubes(p, j), list(skeleton.BONES), detail=detail, coarser=coarser)
    rng = np.random.default_rng([seed, 21])
    skin = Colour.of(*choice.skin)
    skull = make_skull(figure, choice.face, choice.human)
    head = figure.single("Head")

    dressing = Dressing(figure, choice.clothes, cloth_of(choice, skin))
    OUTFITS[choice.clothes.outfit](dressing)
    add_extras(dressing)

    names = ["torso", "bust", "neck", "clavicle", "upper_arm", "forearm", "thigh", "shin"]
    trunk = Garment(figure, figure.shell(dict.fromkeys(names, 0.0), gap=0.0012), skin).cut(dressing.skin)
    # A painted shadow under the chin.
    trunk.paint(skin.shaded, lambda q: q[:, 2] - (j["Neck"][2] + 0.006 * p.height) + 0.25 * (q[:, 1] - j["Neck"][1]))
    body = [trunk.part(rim=0, line=0.8)]
    body.append(figure.part(hands(figure), dressing.hands or skin, line=0.55))
    v, f = skull_mesh(skull, *((30, 44) if figure.fine else (24, 34)))
    local = (v - skull.origin) / skull.size
    flat = ((local[:, 1] < -0.16) & (local[:, 2] > 0.03)).astype(float)
    body.append(painted((v, f), skin, head, flat=flat, line=0.6))
    body.append(painted(ear_mesh(skull), skin, head, line=0.5))
    body += dressing.parts

    hair_colour = Colour.of(choice.hair, value=0.70)
    cut = choice.cut
    # A hat lies on what would stand up.
    ahoge = cut.ahoge and not any(HEADWEAR[name].place == "hat" for name in choice.headwear)
    hair = build_hair(skull, cut.style, cut.fringe, rng, ahoge=ahoge, fine=figure.fine)
    for chain in hair.chains:
        figure.add_bones(chain.bones())
    strands = hair_part(figure, hair.pieces, hair_colour)
    if cut.tone:
        dye(strands, hair.pieces, cut.tone, Colour.of(choice.second_hair, value=0.70))
    body.append(strands)
    if hair.ties:
        body.append(hair_part(figure, hair.ties, Colour.of(choice.triad[2])))
    wearer = Wearer(figure, skull, choice.face, dressing.cloth, hair_colour, choice.clothes.variant)
    for name in choice.headwear:
        HEADWEAR[name].put(wearer)
    body += wearer.parts

    brow = Colour(hair_colour.shade * 0.55, hair_colour.shade * 0.55)
    glow = hair_glow(choice.hair)
    lash = Colour(hair_colour.shade * 0.10 + 0.004, hair_colour.shade * 0.10 + 0.004)
    colours = FaceColours(skin, (Colour.of(choice.iris), Colour.of(choice.other_iris)), lash, brow)
    face, shown = draw_face(skull, choice.face, colours, head, figure.fine)
    details = [part for part in body if not part.outlined]
    if not choice.human:
        details.append(painted(merge(hair.shine), glow, head, flat=1.0, line=0.0, outlined=False))
    still = np.concatenate([np.empty((0, 3)), *(part.vertices for part in details)])
    rest = join([face, *details])
    expressions = {name: np.concatenate([points, still]) for name, points in shown.items()}
    body = [part for part in body if part.outlined]
    return Geometry(figure, sound(join(body)), rest, expressions)


def mesh_object(
    name: str, shape: Geometry, part: Part, armature: bpy.types.Object, material: bpy.types.Material, collection: bpy.types.Collection
) -> bpy.types.Object:
    """A Blender object of one of a character's two parts, skinned to the armature."""
    data: Any = bpy.data.meshes.new(name)
    quads = part.faces[:, 3] >= 0
    sizes = np.where(quads, 4, 3)
    loops = part.faces[part.faces >= 0]
    data.vertices.add(len(part.vertices))
    data.vertices.foreach_set("co", np.round(part.vertices, 7).astype(np.float32).ravel())
    data.loops.add(len(loops))
    data.loops.foreach_set("vertex_index", loops.astype(np.int32))
    data.polygons.add(len(sizes))
    data.polygons.foreach_set("loop_start", np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32))
    data.polygons.foreach_set("use_smooth", np.ones(len(sizes), bool))
    for attribute, values in zip((BASE, SHADE), part.corner_colours(), strict=True):
        rgba = np.column_stack([values, np.ones(len(values))]).astype(np.float32)
        data.attributes.new(attribute, "FLOAT_COLOR", "CORNER").data.foreach_set("color", rgba.ravel())
    data.uv_layers.new(name="UVMap").uv.foreach_set("vector", shape.uv(part).astype(np.float32).ravel())
    data.attributes.new(FLAT, "FLOAT", "POINT").data.foreach_set("value", part.flat.astype(np.float32))
    data.update(calc_edges=True)
    data.materials.append(material)
    item = bpy.data.objects.new(name, data)
    collection.objects.link(item)
    item.parent = armature
    # One call per (bone, weight) instead of one per vertex.
    steps = np.rint(part.weights * 60).astype(int)
    lost = 60 - steps.sum(1)
    steps[np.arange(len(steps)), steps.argmax(1)] += lost
    for column, bone in enumerate(shape.figure.bones[: steps.shape[1]]):
        values = steps[:, column]
        if not values.any():
            continue
        group = item.vertex_groups.new(name=skeleton.bone_name(bone))
        for value in np.unique(values[values > 0]):
            group.add(np.flatnonzero(values == value).tolist(), float(value) / 60, "REPLACE")
    if part.outlined:
        group = item.vertex_groups.new(name=LINE)
        for value in np.unique(part.line):
            group.add(np.flatnonzero(part.line == value).tolist(), float(value), "REPLACE")
    modifier: Any = item.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    if part.outlined:
        _keep_volume(item, shape, part)
    return item


def _keep_volume(item: Any, shape: Geometry, part: Part) -> None:
    """Let knees, hips and what hangs between the legs keep their volume (dual quaternions). Elsewhere that does harm: shoulders would swell
    when arms hang down.
    """
    legs = [column for column, bone in enumerate(shape.figure.bones[: part.weights.shape[1]]) if _is_of_legs(bone)]
    share = np.rint(10 * part.weights[:, legs].sum(1)).astype(int)
    group = item.vertex_groups.new(name=VOLUME)
    for value in range(1, 11):
        group.add(np.flatnonzero(share == value).tolist(), value / 10, "REPLACE")
    modifier: Any = item.modifiers.new("Armature, legs", "ARMATURE")
    modifier.object = item.parent
    modifier.use_deform_preserve_volume = modifier.use_multi_modifier = True
    modifier.vertex_group = VOLUME


def _is_of_legs(bone: str) -> bool:
    return bone == "Hips" or any(word in bone for word in ("Leg", "Foot", "Toe", "skirt", "coat"))


def add_expressions(item: Any, expressions: dict[str, Array]) -> None:
    item.shape_key_add(name="Basis", from_mix=False)
    for name, positions in expressions.items():
        key = item.shape_key_add(name=name, from_mix=False)
        key.data.foreach_set("co", positions.astype(np.float32).ravel())
        # A new key starts at 1 in Blender 5.2 and at 0 before.
        key.value = 0.0


def build_character(seed: int, collection: bpy.types.Collection | None = None, *, detail: str = FULL, palette: int = 0) -> BuiltCharacter:
    """Build the character of a seed in the current Blender data, linked into `collection` (default: the scene's collection).

    `detail` "dataset" has at most 25,000 evaluated vertices, clothes and outline included; "full" is for close-ups. `palette` 0 is the
    character's own; another number gives the same person (same vertices, same skin) other colours of clothes, hair and eyes.
    Nothing that exists is changed. The rig has Mixamo's bone names and stands in T-pose at the origin, facing −Y, in metres.
    """
    scene: Any = bpy.context.scene
    target = collection if collection is not None else scene.collection
    shape = geometry(design(seed, palette), seed, detail)
    name = f"Ningyo {seed}"
    armature = skeleton.build_armature(name, shape.figure.joints, target, shape.figure.extra)
    material = cel_material("Ningyo cel")
    body = mesh_object(f"{name} body", shape, shape.body, armature, material, target)
    add_outline(body)
    face = mesh_object(f"{name} face", shape, shape.face, armature, material, target)
    add_expressions(face, shape.expressions)
    return BuiltCharacter(armature, [body, face], armature.name)
