# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Where a strip's picture lies in the scene's: movies upright and in their true proportions, and frames exactly over their movie."""

from __future__ import annotations

import math
from pathlib import Path

import bpy

from .orientation import Orientation, left_to_do

SINCE = (4, 4)  # the first Blender that turns movies as their files say; mirroring and pixels that are not square none heeds


def size_of(strip: bpy.types.Strip) -> tuple[int, int]:
    """Width and height of a movie's or an image strip's picture as Blender reads it, px."""
    return strip.elements[0].orig_width, strip.elements[0].orig_height


def shown_size(movie: bpy.types.Strip) -> tuple[int, int]:
    """Width and height of a movie's picture when it is upright, px; as if its pixels were square."""
    width, height = size_of(movie)
    return (height, width) if _rest(movie).is_sideways else (width, height)


def place_movie(scene: bpy.types.Scene, movie: bpy.types.Strip, size: tuple[int, int] | None = None, *, fills: bool = False) -> None:
    """Show a movie upright, as large as fits into the scene's picture, or as `fills` it. `size` is that of its picture with square pixels,
    where it is known.
    """
    rest, (width, height) = _rest(movie), size or shown_size(movie)
    scales = scene.render.resolution_x / width, scene.render.resolution_y / height
    scale = max(scales) if fills else min(scales)
    sides = (height, width) if rest.is_sideways else (width, height)
    own = size_of(movie)
    movie.transform.scale_x, movie.transform.scale_y = scale * sides[0] / own[0], scale * sides[1] / own[1]
    movie.transform.rotation = rest.quarters * math.pi / 2
    movie.use_flip_x = rest.mirrored


def place_over(images: bpy.types.Strip, movie: bpy.types.Strip, size: tuple[int, int]) -> None:
    """Lay pictures of this `size` over the movie that they are of, however that was moved, turned, scaled, mirrored and cropped."""
    rest, own, turned = _rest(movie), size_of(movie), movie.transform
    sides = turned.scale_x * own[0], turned.scale_y * own[1]
    if rest.is_sideways:
        sides = sides[::-1]
    images.transform.scale_x, images.transform.scale_y = sides[0] / size[0], sides[1] / size[1]
    # Blender mirrors last, about the middle of the scene's picture: what comes before goes the other way.
    way = -1 if rest.mirrored else 1
    images.use_flip_x, images.use_flip_y = movie.use_flip_x != rest.mirrored, movie.use_flip_y
    images.transform.rotation = way * (turned.rotation - rest.quarters * math.pi / 2)
    images.transform.offset_x, images.transform.offset_y = way * turned.offset_x, turned.offset_y
    if rest == Orientation():
        images.transform.origin = movie.transform.origin
        for side, axis in (("min_x", 0), ("max_x", 0), ("min_y", 1), ("max_y", 1)):
            setattr(images.crop, side, round(getattr(movie.crop, side) * size[axis] / own[axis]))


def _rest(movie: bpy.types.Strip) -> Orientation:
    return left_to_do(Path(bpy.path.abspath(movie.filepath)), is_turned=bpy.app.version >= SINCE)
