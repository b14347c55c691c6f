# SPDX-License-Identifier: GPL-3.0-or-later
"""The outfits. Each is a function that dresses a figure; `dress` calls the one that is worn."""

from __future__ import annotations

from collections.abc import Callable

from . import fantasy, formal, school, street, traditional
from .common import Cloth, Dressing, Wear

OUTFITS: dict[str, Callable[[Dressing], None]] = {
    "sailor": school.sailor,
    "blazer": school.blazer,
    "vest": school.vest,
    "gakuran": school.gakuran,
    "hoodie": street.hoodie,
    "tshirt": street.tshirt,
    "tracksuit": street.tracksuit,
    "sweater": street.sweater,
    "dungarees": street.dungarees,
    "coat": formal.coat,
    "suit": formal.suit,
    "dress": formal.dress,
    "maid": formal.maid,
    "yukata": traditional.yukata,
    "hakama": traditional.hakama,
    "qipao": traditional.qipao,
    "knight": fantasy.knight,
    "traveller": fantasy.traveller,
}

__all__ = ["OUTFITS", "Cloth", "Dressing", "Wear"]
