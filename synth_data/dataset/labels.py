# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture's exact labels as files, each in a form that other programs read: PNG throughout.

| kind | file | holds |
|---|---|---|
| mask | 8-bit grey | 255 where the character's surface is seen at the pixel's centre, else 0 |
| parts | 8-bit grey | index into PARTS, 0 where nothing is |
| depth | 16-bit grey | millimetres along the view (not along the ray), 0 where nothing is (ScanNet's and the Kinect's form) |
| normal | 8-bit RGB | unit normal in camera space, x right, y up, z towards the camera: value·127.5 + 127.5; 0 where nothing is |
| uv | 16-bit RGB | u and v of the mesh's UV map, whole numbers taken off, ·65535; blue is 65535 where they are known, else 0 |
| flow | 16-bit RGB | px to the next frame: red u·64 + 32768 (right), green v·64 + 32768 (down); blue is 1 where it is known |

Flow is KITTI 2015's form, with one thing more: where the point is seen in the next frame as well, blue is 2.

The outline that is drawn around a character belongs to the picture, not to its labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .png import IDS, VALUES, Region, encode_png

Array = npt.NDArray[Any]

PARTS = (
    "background",
    "head",
    "neck",
    "chest",
    "abdomen",
    *(f"{side}_{part}" for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot") for side in ("left", "right")),
)
MAX_DEPTH = 65.535  # metres
FLOW_STEPS, FLOW_ZERO = 64.0, 32768.0  # steps a px, and the value that is no motion
MAX_FLOW = FLOW_ZERO / FLOW_STEPS - 1  # px; what moves further is not known

_PART_OF_ROLE = {
    "hips": "abdomen", "spine": "abdomen", "spine1": "chest", "spine2": "chest", "neck": "neck", "head": "head", "head_end": "head",
    "shoulder": "chest", "eye": "head", "toe": "foot", "toe_end": "foot",
}  # fmt: skip


def part_of_role(role: str) -> int:
    """Index into PARTS of a rig's role."""
    side, _, rest = role.partition("_")
    if side not in ("left", "right"):
        return PARTS.index(_PART_OF_ROLE[role])
    if rest in _PART_OF_ROLE:
        name = _PART_OF_ROLE[rest]
        return PARTS.index(name if name in PARTS else f"{side}_{name}")
    return PARTS.index(role if role in PARTS else f"{side}_hand")  # what is left are fingers


def encode_label(pixels: Array, region: Region | None = None) -> bytes:
    """A label's file: (H, W) or (H, W, 3) as the functions below give them, masks as 0 and 255, parts as they are. `region` says where
    alone there is something.
    """
    return encode_png(pixels, IDS if pixels.ndim == 2 and pixels.dtype == np.uint8 else VALUES, region)


def depth_pixels(depth: Array) -> npt.NDArray[np.uint16]:
    """Metres along the view (…); further than MAX_DEPTH is told as MAX_DEPTH."""
    return np.rint(np.clip(depth, 0, MAX_DEPTH) * 1000).astype(np.uint16)


def normal_pixels(normal: Array) -> npt.NDArray[np.uint8]:
    """(…, 3) of unit vectors."""
    return np.rint(normal * 127.5 + 127.5).astype(np.uint8)


def uv_pixels(uv: Array) -> npt.NDArray[np.uint16]:
    """(…, 3) of (…, 2), NaN where the mesh has no UV map."""
    known = np.isfinite(uv).all(-1, keepdims=True)
    whole = np.where(known, uv, 0.0)
    return np.concatenate([np.rint((whole - np.floor(whole)) * 65535), 65535.0 * known], -1).astype(np.uint16)


def flow_pixels(flow: Array, seen_next: Array) -> npt.NDArray[np.uint16]:
    """(…, 3) of `flow` (…, 2) px, x right and y down, NaN where not known; `seen_next` (…) bool: the point is seen in the next frame."""
    with np.errstate(invalid="ignore"):
        known = (np.abs(flow) < MAX_FLOW).all(-1, keepdims=True)
    steps = np.rint(np.where(known, flow, 0.0) * FLOW_STEPS + FLOW_ZERO)
    return np.where(known, np.concatenate([steps, 1.0 + seen_next[..., None]], -1), 0.0).astype(np.uint16)


def depth_of(pixels: Array) -> npt.NDArray[np.float32]:
    """(H, W) metres, 0 where nothing is, of a decoded depth file (H, W, 1)."""
    return pixels[..., 0].astype(np.float32) / 1000


def normal_of(pixels: Array) -> npt.NDArray[np.float32]:
    """(H, W, 3) unit vectors, 0 where nothing is, of a decoded normal file."""
    normal = pixels.astype(np.float32) / 127.5 - 1
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.where(pixels.any(-1, keepdims=True), normal, 0).astype(np.float32)


def uv_of(pixels: Array) -> npt.NDArray[np.float32]:
    """(H, W, 2) in 0…1, NaN where not known, of a decoded uv file."""
    return np.where(pixels[..., 2:] > 0, pixels[..., :2].astype(np.float32) / 65535, np.nan).astype(np.float32)


def flow_of(pixels: Array) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """(H, W, 2) px, NaN where not known, and (H, W) whether the point is seen in the next frame, of a decoded flow file."""
    known = pixels[..., 2:] > 0
    flow = (pixels[..., :2].astype(np.float32) - FLOW_ZERO) / FLOW_STEPS
    return np.where(known, flow, np.nan).astype(np.float32), pixels[..., 2] > 1
