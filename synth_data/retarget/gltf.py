# SPDX-License-Identifier: GPL-3.0-or-later
"""The animated nodes of a glTF file (.glb, .gltf), without Blender, whose importer gives bones axes and times frames of its own.

After the specification of glTF 2.0 (Khronos Group, 2021): accessors with sparse and normalised values, LINEAR, STEP and CUBICSPLINE.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from .clip import Clip, even_times, unique_names
from .kinematics import Array, quaternion_to_matrix
from .resample import resample_rotations

_HEADER, _CHUNK = struct.Struct("<4sII"), struct.Struct("<I4s")
_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_AT_REST = {"translation": (0.0, 0.0, 0.0), "rotation": (0.0, 0.0, 0.0, 1.0), "scale": (1.0, 1.0, 1.0)}
# glTF's axes (Y up, it faces +Z) → the world's (Z up, a rig faces −Y), as Blender's importer has it.
Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def read_gltf(path: Path | str) -> tuple[Clip, dict[str, Any]]:
    """The file's animation (of several the longest), and its JSON. Raises UserError for a file that is damaged or has no animation."""
    path = Path(path)
    try:
        file = _File(path)
        return file.clip(), file.json
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, struct.error, binascii.Error) as error:
        raise UserError(f"{path} is not a whole glTF file ({error}); export it again.") from error
    except OSError as error:
        raise UserError(f"{error.filename or path} cannot be read ({error.strerror}); check the path.") from error


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        content = path.read_bytes()
        self._binary = b""
        if content[:4] == b"glTF":
            at, text = _HEADER.size, b""
            while at + _CHUNK.size <= len(content):
                length, kind = _CHUNK.unpack_from(content, at)
                chunk = content[at + _CHUNK.size : at + _CHUNK.size + length]
                if len(chunk) < length:
                    raise ValueError("it ends too early")
                if kind == b"JSON":
                    text = chunk
                elif kind == b"BIN\0":
                    self._binary = chunk
                at += _CHUNK.size + length
        else:
            text = content
        self.json: dict[str, Any] = json.loads(text)
        if not isinstance(self.json, dict) or "asset" not in self.json:
            raise ValueError("it holds something else")
        self._buffers: dict[int, bytes] = {}

    def clip(self) -> Clip:
        nodes = self.json.get("nodes", [])
        animations = [animation for animation in self.json.get("animations", []) if len(self._times(animation))]
        if not animations:
            raise UserError(f"{self._path} holds no animation; export it with one.")
        animation = max(animations, key=lambda each: float(np.ptp(self._times(each))))
        times, fps = even_times(self._times(animation))
        parents = [-1] * len(nodes)
        for index, node in enumerate(nodes):
            for child in node.get("children", []):
                parents[child] = index
        order = _parents_first(parents)
        channels = self._channels(animation, times)
        rest, posed = [np.eye(4)] * len(nodes), [np.eye(4)[None]] * len(nodes)
        for index in order:
            own_rest, own = _local(nodes[index], {}), _local(nodes[index], channels.get(index, {}))
            parent = parents[index]
            rest[index] = own_rest[0] if parent < 0 else rest[parent] @ own_rest[0]
            posed[index] = own if parent < 0 else posed[parent] @ own
        worlds = np.stack([np.broadcast_to(posed[index], (len(times), 4, 4)) for index in order], 1)
        rests = np.stack([rest[index] for index in order])
        bound = self._bound(rest, parents)
        place = {index: number for number, index in enumerate(order)}
        for index, matrix in bound.items():
            rests[place[index]] = matrix
        return Clip(
            name=self._path.stem,
            names=unique_names([str(nodes[index].get("name", "")) or f"node {index}" for index in order]),
            parents=tuple(place.get(parents[index], -1) for index in order),
            worlds=_turned(worlds),
            fps=fps,
            axes=Z_UP,
            rest=_turned(rests),
            bound=frozenset(place[index] for index in bound),
            others=len(animations) - 1,
        )

    def _times(self, animation: dict[str, Any]) -> Array:
        """All times at which an animation has keys for nodes, seconds, rising."""
        samplers = {channel["sampler"] for channel in animation["channels"] if channel["target"].get("path") in _AT_REST}
        times = [self._accessor(animation["samplers"][sampler]["input"]).ravel() for sampler in sorted(samplers)]
        return np.unique(np.concatenate([*times, np.empty(0)]).round(6))

    def _channels(self, animation: dict[str, Any], times: Array) -> dict[int, dict[str, Array]]:
        """Node → translation, rotation or scale (F, 3 or 4) at `times`."""
        found: dict[int, dict[str, Array]] = {}
        for channel in animation["channels"]:
            target = channel["target"]
            if "node" not in target or target["path"] not in _AT_REST:
                continue
            sampler = animation["samplers"][channel["sampler"]]
            keys, values = self._accessor(sampler["input"]).ravel(), self._accessor(sampler["output"])
            value = _sampled(keys, values, times, sampler.get("interpolation", "LINEAR"), target["path"] == "rotation")
            found.setdefault(int(target["node"]), {})[target["path"]] = value
        return found

    def _bound(self, rest: list[Array], parents: list[int]) -> dict[int, Array]:
        """Node → (4, 4) where the mesh was bound to it. Skins tell this up to one matrix, which is none or that of what the joints hang
        from: the one that gives bones the length they have."""
        found: dict[int, Array] = {}
        for skin in self.json.get("skins", []):
            if "inverseBindMatrices" not in skin:
                continue
            inverse = self._accessor(skin["inverseBindMatrices"]).reshape(-1, 4, 4).swapaxes(1, 2)
            bind = {joint: np.linalg.inv(matrix) for joint, matrix in zip(skin["joints"], inverse, strict=True)}
            pairs = [(joint, parents[joint]) for joint in bind if parents[joint] in bind]
            if not pairs:
                continue
            top = next(joint for joint in bind if parents[joint] not in bind)
            frames = [np.eye(4)] if parents[top] < 0 else [np.eye(4), rest[parents[top]]]
            length = sum(float(np.linalg.norm(rest[a][:3, 3] - rest[b][:3, 3])) for a, b in pairs)
            misses = [
                abs(sum(float(np.linalg.norm((frame @ (bind[a] - bind[b]))[:3, 3])) for a, b in pairs) / max(length, 1e-12) - 1)
                for frame in frames
            ]
            frame = frames[int(np.argmin(misses))]
            for joint, matrix in bind.items():
                found.setdefault(joint, frame @ matrix)
        return found

    def _accessor(self, index: int) -> Array:
        """(count, width) values of an accessor, as float64."""
        accessor = self.json["accessors"][index]
        width, kind = _WIDTHS[accessor["type"]], np.dtype(_COMPONENTS[accessor["componentType"]])
        values = np.zeros((accessor["count"], width), kind)
        if "bufferView" in accessor:
            values = self._view(accessor["bufferView"], accessor.get("byteOffset", 0), kind, accessor["count"], width)
        if "sparse" in accessor:
            values = values.copy()
            count, where, what = (accessor["sparse"][key] for key in ("count", "indices", "values"))
            whole = np.dtype(_COMPONENTS[where["componentType"]])
            at = self._view(where["bufferView"], where.get("byteOffset", 0), whole, count, 1)
            values[at[:, 0]] = self._view(what["bufferView"], what.get("byteOffset", 0), kind, count, width)
        numbers = values.astype(np.float64)
        if accessor.get("normalized") and kind.kind in "iu":
            numbers = np.maximum(numbers / np.iinfo(kind).max, -1.0)
        if not np.isfinite(numbers).all():
            raise ValueError("it holds values that are not numbers")
        return numbers

    def _view(self, index: int, offset: int, kind: np.dtype[Any], count: int, width: int) -> npt.NDArray[Any]:
        view = self.json["bufferViews"][index]
        if "EXT_meshopt_compression" in view.get("extensions", {}):
            raise UserError(f"{self._path} is compressed (EXT_meshopt_compression), which is not read; export it without compression.")
        step = view.get("byteStride", kind.itemsize * width)
        start = view.get("byteOffset", 0) + offset
        needed = start + step * (count - 1) + kind.itemsize * width if count else start
        data = self._buffer(view["buffer"])
        if len(data) < needed:
            raise ValueError("it ends too early")
        return np.ndarray((count, width), kind, data, start, (step, kind.itemsize))

    def _buffer(self, index: int) -> bytes:
        if index not in self._buffers:
            uri = self.json["buffers"][index].get("uri")
            if uri is None:
                data = self._binary
            elif uri.startswith("data:"):
                data = base64.b64decode(uri.partition(",")[2])
            else:
                data = (self._path.parent / unquote(uri)).read_bytes()
            self._buffers[index] = data
        return self._buffers[index]


def _sampled(keys: Array, values: Array, times: Array, interpolation: str, rotation: bool) -> Array:
    """Values of a channel at `times` (F,), held at its ends; rotations as unit quaternions (x, y, z, w)."""
    if interpolation == "CUBICSPLINE":
        tangent_in, value, tangent_out = values.reshape(len(keys), 3, -1).swapaxes(0, 1)
        at = np.clip(times, keys[0], keys[-1])
        low = np.clip(np.searchsorted(keys, at, side="right") - 1, 0, max(len(keys) - 2, 0))
        high = np.minimum(low + 1, len(keys) - 1)
        span = np.maximum(keys[high] - keys[low], 1e-12)[:, None]
        t = (at[:, None] - keys[low][:, None]) / span
        out = (
            (2 * t**3 - 3 * t**2 + 1) * value[low]
            + (t**3 - 2 * t**2 + t) * span * tangent_out[low]
            + (3 * t**2 - 2 * t**3) * value[high]
            + (t**3 - t**2) * span * tangent_in[high]
        )
    elif interpolation == "STEP":
        out = values[np.clip(np.searchsorted(keys, times + 1e-6, side="right") - 1, 0, len(keys) - 1)]
    elif rotation:
        return resample_rotations(values[:, None], keys, times)[:, 0]
    else:
        out = np.stack([np.interp(times, keys, column) for column in values.T], -1)
    return out / np.linalg.norm(out, axis=-1, keepdims=True) if rotation else out


def _local(node: dict[str, Any], channels: dict[str, Array]) -> Array:
    """(F or 1, 4, 4) a node's transform from its parent."""
    if "matrix" in node and not channels:
        return np.array(node["matrix"], np.float64).reshape(1, 4, 4).swapaxes(1, 2)
    parts = {path: channels.get(path, np.array([node.get(path, rest)], np.float64)) for path, rest in _AT_REST.items()}
    frames = max(len(part) for part in parts.values())
    out = np.tile(np.eye(4), (frames, 1, 1))
    rotation = quaternion_to_matrix(parts["rotation"][:, (3, 0, 1, 2)])
    out[:, :3, :3] = rotation * parts["scale"][:, None, :]
    out[:, :3, 3] = parts["translation"]
    return out


def _turned(matrices: Array) -> Array:
    out = matrices.copy()
    out[..., :3, :] = Z_UP @ matrices[..., :3, :]
    return out


def _parents_first(parents: list[int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for index, parent in enumerate(parents):
        children.setdefault(parent, []).append(index)
    order, ends = [], list(reversed(children.get(-1, [])))
    while ends:
        order.append(ends.pop())
        ends += reversed(children.get(order[-1], []))
    if len(order) < len(parents):
        raise ValueError("its nodes hang from each other in a circle")
    return order
