# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ONNX file holds, read without running it: our description of the model, and whether it asks for anything that a model of ours
never needs.

ONNX files may name other files as the place of their weights (and ONNX Runtime even takes addresses in memory for it), operators from
libraries, and loops. A file from a stranger is refused for any of these before a runtime sees it. The format is protobuf's: messages of
numbered fields (onnx.proto, IR version 3 and later); all occurrences of a field are looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..errors import UserError
from ..synth_data.pose.conditioning import RASTERISER_VERSION

# Version 2 may be of somebody filmed. Models with a rig are still written as version 1, which earlier readers take.
SCHEMA, VERSION, RIGGED_VERSION = "ningyo.onnx", 2, 1
RIG, FILMED = "rig", "filmed"  # one of the two is there: whom the model draws
KEY = "ningyo"  # the metadata entry that holds our JSON
MULTIPLE = 32  # a picture's side is a multiple of this
MAX_BYTES = 512 << 20
MAX_SIDE = 4096

# Numbers of fields in onnx.proto.
_MODEL_GRAPH, _MODEL_OPSET, _MODEL_METADATA, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 8, 14, 20, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_ATTRIBUTE, _NODE_DOMAIN = 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS = 5, 10
_ATTRIBUTE_REFUSED = (6, 11, 22, 23)  # graphs (loops, branches) and sparse tensors
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _NotProtobuf(ValueError):
    pass


class _Refused(ValueError):
    """Why a file is not taken, as the end of a sentence that begins with its name."""


def describe(data: bytes, name: str) -> dict[str, Any]:
    """Our description in an ONNX file: {"schema", "version", "character", "size", "rasteriser", "precision", "rig": a Rig's JSON}, or, of
    somebody filmed, "filmed": a FilmedTarget's JSON, instead of the rig.

    `name` is the file's, for messages. Raises UserError for files that are foreign, damaged, newer, made with another rasteriser, or ask
    for other files, libraries or loops.
    """
    if len(data) > MAX_BYTES:
        raise UserError(f"{name} is larger than {MAX_BYTES >> 20} MB, which no model of Ningyo's is.")
    try:
        metadata = _checked(memoryview(data))
    except _Refused as error:
        raise UserError(f"{name} {error}; Ningyo does not run such files.") from error
    except (_NotProtobuf, UnicodeDecodeError) as error:
        raise UserError(f"{name} is not an ONNX file, or is damaged; export the model again with `ningyo export`.") from error
    foreign = f"{name} was not exported by Ningyo; make one with `ningyo export`."
    try:
        description = json.loads(metadata[KEY])
    except (KeyError, ValueError) as error:
        raise UserError(foreign) from error
    if not isinstance(description, dict) or description.get("schema") != SCHEMA:
        raise UserError(foreign)
    version, size = description.get("version"), description.get("size")
    if not isinstance(version, int) or version > VERSION:
        raise UserError(f"{name} was written by a newer Ningyo (version {version} of the format); update Ningyo to use it.")
    if description.get("rasteriser") != RASTERISER_VERSION:
        raise UserError(f"{name} was trained with another version of the skeleton rasteriser; train and export it again.")
    whom = [description[key] for key in (RIG, FILMED) if key in description]
    if not isinstance(size, int) or not 0 < size <= MAX_SIDE or size % MULTIPLE or len(whom) != 1 or not isinstance(whom[0], dict):
        raise UserError(f"{name} is damaged; export the model again with `ningyo export`.")
    return description


def _checked(data: memoryview) -> dict[str, str]:
    """The metadata of a ModelProto. Raises _Refused or _NotProtobuf."""
    metadata: dict[str, str] = {}
    graphs = 0
    for number, value in _fields(data):
        if number in (_MODEL_FUNCTIONS, _MODEL_TRAINING):
            raise _Refused("brings functions of its own")
        if number == _MODEL_OPSET:
            _check_domain(dict(_fields(_message(value))).get(1, b""))
        elif number == _MODEL_GRAPH:
            graphs += 1
            _check_graph(_message(value))
        elif number == _MODEL_METADATA:
            entry = dict(_fields(_message(value)))
            metadata[_text(entry.get(1, b""))] = _text(entry.get(2, b""))
    if graphs != 1:
        raise _NotProtobuf("no graph, or several")
    return metadata


def _check_graph(graph: memoryview) -> None:
    for number, value in _fields(graph):
        if number == _GRAPH_INITIALIZER:
            _check_tensor(_message(value))
        elif number == _GRAPH_SPARSE:
            raise _Refused("holds sparse tensors")
        elif number == _GRAPH_NODE:
            for field, content in _fields(_message(value)):
                if field == _NODE_DOMAIN:
                    _check_domain(content)
                elif field == _NODE_ATTRIBUTE:
                    _check_attribute(_message(content))


def _check_attribute(attribute: memoryview) -> None:
    for number, value in _fields(attribute):
        if number in _ATTRIBUTE_REFUSED:
            raise _Refused("holds loops, branches or sparse tensors")
        if number in (_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS):
            _check_tensor(_message(value))


def _check_tensor(tensor: memoryview) -> None:
    for number, value in _fields(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
            raise _Refused("keeps weights outside of itself")


def _check_domain(value: int | memoryview | bytes) -> None:
    if _text(value) not in ("", "ai.onnx"):
        raise _Refused(f"needs operators of {_text(value)!r}")


def _message(value: int | memoryview | bytes) -> memoryview:
    if not isinstance(value, memoryview):
        raise _NotProtobuf("a number where a message should be")
    return value


def _text(value: int | memoryview | bytes) -> str:
    if isinstance(value, int):
        raise _NotProtobuf("a number where a text should be")
    return bytes(value).decode("utf-8")


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(number, content) of a message's fields: bytes as a view, numbers as int."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise _NotProtobuf(f"field {number}")
        if kind == _VARINT:
            value, place = _varint(data, place)
            yield number, value
            continue
        if kind == _BYTES:
            length, place = _varint(data, place)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise _NotProtobuf(f"wire type {kind}")
        if place + length > len(data):
            raise _NotProtobuf("cut short")
        content = data[place : place + length]
        yield number, content if kind == _BYTES else int.from_bytes(content, "little")
        place += length


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise _NotProtobuf("cut short")
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise _NotProtobuf("a number without an end")
