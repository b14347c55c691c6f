# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels beside people's boxes, placed so that they hide each other as little as they can."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
FONT = cv2.FONT_HERSHEY_DUPLEX
FONT_HEIGHT = 22  # px of a capital letter at scale 1
DARK = (24, 24, 24)
MAY_HIDE = 0.12  # of a label


@dataclass(frozen=True)
class Label:
    """`text` on a plate in the person's `colour`, then `parts` (text, colour) on a dark one.

    `box` is what they belong to: left, top, right, bottom in px. `repaired` is the track's: 1 adds the sign of an exchange, 2 of a turn.
    """

    text: str
    parts: tuple[tuple[str, Colour], ...]
    box: NDArray[Any]
    colour: Colour
    large: bool
    repaired: int


def draw_labels(out: NDArray[Any], labels: Iterable[Label]) -> None:
    """Draw them into the picture (H, W, 3) uint8, the most important first: each takes a place that is free where there is one."""
    taken: list[NDArray[Any]] = []
    for label in labels:
        letter = _letter(out, label.large)
        width, height = _size(label, letter)
        place = _place(label.box, width, height, out.shape, taken)
        taken.append(np.array([*place, place[0] + width, place[1] + height]))
        _draw(out, label, letter, *place)


def _letter(out: NDArray[Any], large: bool) -> int:
    """Height of a capital letter, px."""
    return max(round(min(out.shape[:2]) / (52 if large else 64)), 8)


def _margin(letter: int) -> int:
    return max(2, round(0.45 * letter))


def _width(text: str, letter: int) -> int:
    return cv2.getTextSize(text, FONT, letter / FONT_HEIGHT, 1)[0][0]


def _size(label: Label, letter: int) -> tuple[int, int]:
    margin = _margin(letter)
    widths = [_width(label.text, letter) + 2 * margin]
    if label.repaired:
        widths[0] += 2 * letter
    if label.parts:
        widths.append(sum(_width(text, letter) for text, _ in label.parts) + margin * (len(label.parts) + 1))
    return sum(widths), letter + 2 * margin


def _place(box: NDArray[Any], width: int, height: int, shape: tuple[int, ...], taken: list[NDArray[Any]]) -> tuple[int, int]:
    """Left and top of a label: over the box, else under it or at its inner edges, where the fewest of the others are hidden."""
    x0, y0, x1, y1 = np.rint(box).astype(int).tolist()
    rows = (y0 - height - 1, y1 + 1, y0 + 1, y1 - height - 1)
    best, least = (0, 0), np.inf
    for row, y in enumerate(rows):
        for x in (x0, x1 - width):
            left = int(np.clip(x, 0, max(shape[1] - width, 0)))
            top = int(np.clip(y, 0, max(shape[0] - height, 0)))
            hidden = sum(_shared(np.array([left, top, left + width, top + height]), other) for other in taken)
            # A little may be hidden: otherwise labels would jump to and fro while people stand beside each other.
            cost = max(hidden - MAY_HIDE * width * height, 0) + abs(top - y) * width + row
            if cost < least:
                best, least = (left, top), cost
    return best


def _shared(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod())


def _draw(out: NDArray[Any], label: Label, letter: int, x: int, y: int) -> None:
    width, height = _size(label, letter)
    margin = _margin(letter)
    split = x + _width(label.text, letter) + 2 * margin + (2 * letter if label.repaired else 0)
    out[y : y + height, x : x + width] = out[y : y + height, x : x + width] // 4 + np.array(DARK, np.uint8) // 2
    out[y : y + height, x:split] = label.colour
    base = y + margin + letter
    _write(out, label.text, (x + margin, base), letter, (0, 0, 0))
    if label.repaired:
        _sign(out, label.repaired, split - margin - letter, y + margin, letter)
    at = split + margin
    for text, colour in label.parts:
        _write(out, text, (at, base), letter, colour)
        at += _width(text, letter) + margin


def _write(out: NDArray[Any], text: str, place: tuple[int, int], letter: int, colour: Colour) -> None:
    cv2.putText(out, text, place, FONT, letter / FONT_HEIGHT, colour, max(1, round(letter / 14)), cv2.LINE_AA)


def _sign(out: NDArray[Any], repaired: int, x: int, y: int, side: int) -> None:
    """Of an exchange: an arrow to the left over one to the right; of a turn: most of a circle that ends in an arrow."""
    thick = max(1, round(side / 9))
    if repaired == 1:
        for begin, end, height in ((x + side, x, 0.28), (x, x + side, 0.72)):
            level = y + round(height * side)
            cv2.arrowedLine(out, (begin, level), (end, level), (0, 0, 0), thick, cv2.LINE_AA, tipLength=0.35)
        return
    middle, radius = (x + side // 2, y + side // 2), round(0.4 * side)
    cv2.ellipse(out, middle, (radius, radius), 0, 0, 290, (0, 0, 0), thick, cv2.LINE_AA)
    tip = (middle[0] + radius, middle[1])
    cv2.arrowedLine(out, (tip[0], tip[1] + max(2, side // 4)), (tip[0], tip[1] - 1), (0, 0, 0), thick, cv2.LINE_AA, tipLength=0.9)
