# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the character is in each frame of a video: its joints through the motion's camera, the crop around it, and what the network is
given and gives back there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..synth_data.dataset.png import DRAWN, Region, encode_png
from ..synth_data.pose.conditioning import draw_packed
from ..synth_data.pose.framing import crop_intrinsics, steady_crops
from ..synth_data.pose.head import head_square
from ..synth_data.retarget.kinematics import forward_kinematics
from ..synth_data.retarget.motion import Camera, Motion
from ..synth_data.retarget.openpose_points import openpose_points
from ..synth_data.retarget.rig import Rig
from ..synth_data.retarget.secondary import with_secondary
from ..synth_data.retarget.secondary_points import secondary_points

Drawing = tuple[NDArray[np.uint8], NDArray[np.float32]]  # a Runner's arguments


class Shots:
    """A motion's frames as pictures of `size` (width, height); `side` is that of the network's."""

    def __init__(self, rig: Rig, motion: Motion, size: tuple[int, int], side: int) -> None:
        self.size, self.side, self.height = size, side, rig.height
        camera = motion.camera or _default_camera(rig, motion, size)
        # The camera may have been solved on a picture of another size than the canvas.
        scale = size[0] / camera.width
        self.K = np.array([[camera.focal_px * scale, 0, size[0] / 2], [0, camera.focal_px * scale, size[1] / 2], [0, 0, 1]])
        posed = forward_kinematics(rig, with_secondary(motion, rig))
        points = np.concatenate([openpose_points(rig, *posed), secondary_points(rig, *posed)], 1)
        self.points = points @ camera.world_to_camera[:, :3].T + camera.world_to_camera[:, 3]
        self.crops = steady_crops(self.points, self.K, self.height, motion.fps)

    def __len__(self) -> int:
        return len(self.points)

    def drawing(self, index: int) -> Drawing | None:
        """What the network is given for a frame; None where nobody is to be seen."""
        if self._box(index) is None:
            return None
        K = crop_intrinsics(self.K, self.crops[index], self.side)
        points = self.points[index]
        return draw_packed(points, K, self.side, self.height), head_square(points, K, self.height)

    def png(self, index: int, rgba: NDArray[np.float32]) -> bytes:
        """The network's premultiplied picture (side, side, 4) of a frame, in its place: a PNG of the whole size, straight alpha."""
        box = self._box(index)
        if box is None:
            return self.empty()
        x0, y0, side, region = box
        left, top, right, bottom = region
        canvas = np.zeros((self.size[1], self.size[0], 4), np.uint8)
        canvas[top:bottom, left:right] = cut_out(rgba, side, (left - x0, top - y0, right - x0, bottom - y0))
        return encode_png(canvas, DRAWN, region)

    def empty(self) -> bytes:
        """The PNG of a frame without anybody."""
        return encode_png(np.zeros((self.size[1], self.size[0], 4), np.uint8), DRAWN, (0, 0, 0, 0))

    def _box(self, index: int) -> tuple[int, int, int, Region] | None:
        """The crop's corner and side in whole px, and the part of it (left, top, right, bottom) that lies in the picture."""
        crop = self.crops[index]
        # Nobody to be seen, or so near that the crop would not fit into memory.
        if not np.isfinite(crop).all() or crop[2] > 4 * max(self.size):
            return None
        x0, y0, side = (int(v) for v in np.round([crop[0] - crop[2] / 2, crop[1] - crop[2] / 2, crop[2]]))
        left, top, right, bottom = max(x0, 0), max(y0, 0), min(x0 + side, self.size[0]), min(y0 + side, self.size[1])
        return (x0, y0, side, (left, top, right, bottom)) if left < right and top < bottom else None


def cut_out(rgba: NDArray[np.float32], side: int, box: Region) -> NDArray[np.uint8]:
    """Part of a premultiplied picture (S, S, 4), 0…1, enlarged or reduced to `side` px: straight RGBA (h, w, 4).

    `box` (left, top, right, bottom) is the part, in px of the new size. Smooth where the picture grows, averaged where it shrinks.
    """
    size = rgba.shape[0]
    pixels = (np.clip(rgba, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    # "RGBa" is Pillow's word for premultiplied.
    image = Image.frombuffer("RGBa", (size, size), np.ascontiguousarray(pixels), "raw", "RGBa", 0, 1)
    left, top, right, bottom = box
    if side == size:
        image = image.crop(box)
    else:
        scale = size / side
        image = image.resize(
            (right - left, bottom - top), Image.Resampling.BICUBIC, (left * scale, top * scale, right * scale, bottom * scale)
        )
    return np.asarray(image.convert("RGBA"))


def _default_camera(rig: Rig, motion: Motion, size: tuple[int, int]) -> Camera:
    """For motions without one: in front of the character, which fills two thirds of the picture's height."""
    distance = 4.0 * rig.height
    focal = distance * 0.66 * size[1] / rig.height
    centre = motion.root_position.astype(np.float64).mean(0)
    rotation = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # looks along +Y
    translation = np.array([0, 0, distance]) - rotation @ centre
    return Camera(focal, size[0], size[1], np.concatenate([rotation, translation[:, None]], 1))
