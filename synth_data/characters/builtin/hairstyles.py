# SPDX-License-Identifier: GPL-3.0-or-later
"""The hair styles and fringes, each a function that lets hair grow on a scalp. Sizes in heads, heights from the chin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .hair import Chain, Hair, Scalp, lock_rings, ribbon, ring, spline, strand
from .head import Skull
from .mesh import smoothstep

# Locks that end higher than this sit on the head.
FREE = -0.06
# Where a chain of back or side hair begins.
_BACK, _SIDE = 0.22, 0.26
_FRINGE = 1.12
_CHAINS = 4


def fringe(s: Scalp, kind: str, count: int = 9, streak: bool = False) -> None:
    """Wide locks from the crown over the forehead, every second one above its neighbours so that their edges show; with `streak` one of
    them may have another colour. Raises KeyError for an unknown kind.
    """
    if kind == "back":
        # Combed back over the crown: locks that begin at the hairline.
        for i, angle in enumerate(np.linspace(-1.25, 1.25, count)):
            over = i % 2
            tone = "streak" if streak and i == count // 2 + 1 else "outer"
            s.lock((angle, angle * 0.75), (0.755 - 0.06 * angle**2, 0.99), (0.005, 0.075 + 0.012 * over), 0.25, 0.06, root=0.8, belly=5.0,
                   light=bool(over), tone=tone)  # fmt: skip
        return
    shape = FRINGES[kind]
    for i, angle in enumerate(np.linspace(-_FRINGE, _FRINGE, count)):
        over = i % 2
        root, lean = angle * 0.66, 0.05 * np.sin(i * 2.4)
        tip = 0.585 - 0.075 * np.abs(angle) ** 2.2 + s.rng.uniform(-0.015, 0.015) - 0.022 * over
        lean, root, tip = shape.bend(angle, lean, root, tip)
        width = (shape.narrow if over else 0.27) * (9 / count) ** 0.5
        offset = (0.030 + 0.012 * over, 0.048 + 0.034 * over)
        tone = "streak" if streak and i == count // 2 + 1 else "outer"
        s.lock((float(root), float(angle + lean)), (0.975, float(tip)), offset, width, 0.060, belly=shape.blunt + 0.45 * (1 - over),
               rings=11, root=0.5, light=True, tone=tone)  # fmt: skip


@dataclass(frozen=True)
class _Fringe:
    """How locks at an azimuth bend: (azimuth, lean, root, tip) → (lean, root, tip); how wide the upper ones are, and how blunt."""

    bend: Callable[[float, float, float, float], tuple[float, float, float]] = lambda a, lean, root, tip: (lean, root, tip)
    narrow: float = 0.205
    blunt: float = 1.75


def _swept(a: float, lean: float, root: float, tip: float) -> tuple[float, float, float]:
    left = a < 0.42
    return (-0.34 + 0.10 * a if left else 0.22), a * 0.50 + 0.20, tip - 0.030 * left


def _parted(a: float, lean: float, root: float, tip: float) -> tuple[float, float, float]:
    return 0.36 * np.tanh(a * 4), a * 0.55, tip + 0.045 * np.exp(-((a / 0.3) ** 2)) - 0.035


def _curtains(a: float, lean: float, root: float, tip: float) -> tuple[float, float, float]:
    """Parted in the middle, down to the cheeks."""
    side = float(np.tanh(a * 5))
    return 0.62 * side * (1 - 0.35 * abs(a)), a * 0.35, 0.50 - 0.16 * smoothstep(np.abs(a), 0.2, 1.0) + 0.10 * np.exp(-((a / 0.25) ** 2))


def _one_eye(a: float, lean: float, root: float, tip: float) -> tuple[float, float, float]:
    """Swept over the right eye."""
    over = float(np.interp(-a, [-0.45, 0.55], [0.0, 1.0]))
    return -0.42 + 0.30 * (a > 0.55) * 2.0, a * 0.5 + 0.32, tip - 0.20 * over + 0.02 * (a > 0.5)


FRINGES = {
    "straight": _Fringe(),
    "blunt": _Fringe(lambda a, lean, root, tip: (0.3 * lean, root, 0.553 - 0.03 * a**2), 0.25, 7.0),
    "swept": _Fringe(_swept),
    "parted": _Fringe(_parted),
    "curtains": _Fringe(_curtains),
    "one eye": _Fringe(_one_eye),
    "choppy": _Fringe(lambda a, lean, root, tip: (3.2 * lean, root, tip + 0.055 + 0.05 * np.sin(a * 9)), 0.17, 1.4),
    "wispy": _Fringe(lambda a, lean, root, tip: (0.14 * np.sign(a) + lean, root, tip - 0.035 * np.cos(a * 7)), 0.12, 1.3),
}


def side_locks(s: Scalp, low: float, width: float = 0.15, belly: float = 3.0, wave: float = 0.0) -> None:
    """Locks that frame the face, in front of the ears."""
    for d, name in ((1, "left"), (-1, "right")):
        hangs = ()
        if low < FREE:
            hangs = ((s.falling(f"side_{name}", d * 1.24, (0.95, _SIDE), low, 2 if low > -0.35 else 3, offset=0.05), 1.0),)
        s.lock(
            (d * 0.95, d * 1.28),
            (0.95, low),
            (0.035, 0.068),
            width,
            0.06,
            belly=belly,
            rings=12,
            hang=0.40,
            light=True,
            hangs=hangs,
            wave=wave,
        )
        hangs = hangs if low + 0.13 < FREE else ()
        s.lock(
            (d * 1.15, d * 1.52),
            (0.95, low + 0.13),
            (0.035, 0.060),
            width * 1.1,
            0.05,
            belly=2.6,
            rings=11,
            hang=0.40,
            hangs=hangs,
            light=True,
            wave=wave,
        )


def curtain(
    s: Scalp,
    low: float,
    count: int,
    *,
    width: float = 0.26,
    flare: float = 0.0,
    curl: float = 0.0,
    ragged: float = 0.05,
    thick: float = 0.07,
    reach: float = 1.45,
    belly: float = 4.0,
    wave: float = 0.0,
) -> None:
    """Hair at the back and the sides, down to `low` heads above the chin (negative: below it). Below the chin it hangs on chains."""
    rings = int(np.clip(9 + 5 * max(0.0, 0.4 - low), 9, 16)) + 4 * (wave > 0)
    chains: list[Chain] = []
    spacing = 2 * reach / _CHAINS
    behind = 0.0
    if low < FREE:
        behind = 0.47
        bones = 2 if low > -0.45 else 3 if low > -0.9 else 4
        chains = [
            s.falling(f"back_{n + 1}", np.pi + (n - (_CHAINS - 1) / 2) * spacing, (0.93, _BACK), low, bones, 0.03, flare, behind)
            for n in range(_CHAINS)
        ]
    for i, angle in enumerate(np.linspace(np.pi - reach, np.pi + reach, count)):
        end = low + s.rng.uniform(-ragged, ragged)
        inner = 0.0 if i % 2 else 0.028
        hangs: tuple[tuple[Chain, float], ...] = ()
        if chains:
            position = float(np.clip((angle - np.pi) / spacing + (_CHAINS - 1) / 2, 0, _CHAINS - 1))
            first = min(int(position), _CHAINS - 2)
            # Mostly on one: in the middle between two that part, a lock would lie inside the body.
            share = float(np.clip(2 * (position - first) - 0.5, 0, 1))
            hangs = tuple((chains[first + k], part) for k, part in ((0, 1 - share), (1, share)) if part > 0)
        s.lock((angle, angle), (0.93, end), (0.03 + inner, 0.055 + inner), width, thick, belly=belly, rings=rings, flare=flare, curl=curl,
               wave=wave, behind=behind, root=0.7, hangs=hangs, tone="outer" if inner else "inner", light=True)  # fmt: skip


def spikes(s: Scalp, count: int, length: float, down: float, rise: float = 0.30) -> None:
    """Tufts that stand out from crown and back, upward by `rise`; their tips bend `down`."""
    for i in range(count):
        golden = i * 2.39996
        z = 0.93 - 0.62 * (i / count)
        angle = golden % (2 * np.pi)
        # None over the face: those of the lower rows go to the back half.
        if np.cos(angle) > 0.25 and z < 0.86:
            angle = np.pi + 0.55 * np.sin(golden)
        base = s.skull.section(np.array(angle), np.array(z), 0.0)
        out = np.array([np.sin(angle), -np.cos(angle), rise + 0.9 * max(0.0, z - 0.6) / 0.4])
        out /= np.linalg.norm(out)
        reach = length * s.rng.uniform(0.8, 1.2) * s.size
        sweep = np.array([np.sin(angle) * 0.5, -np.cos(angle) * 0.3 + 0.5, -down])
        path = spline([base - out * 0.08 * s.size, base + out * 0.45 * reach, base + (out * 0.9 + sweep * 0.45) * reach], 8)
        rings = lock_rings(
            path, np.tile(out + np.array([0, 0, 0.6]), (8, 1)), 0.26 * s.size, 0.13 * s.size, root=0.9, belly=1.5, sides=s.sides
        )
        s.hair.pieces.append(strand(rings, tone="streak" if i == 4 else "outer"))


def layers(s: Scalp, count: int, low: float, flare: float, width: float = 0.24) -> None:
    """Locks over the others from the crown to the sides and the back, whose tips stand off by `flare`."""
    for i, angle in enumerate(np.linspace(1.15, 2 * np.pi - 1.15, count)):
        end = low + 0.10 * (i % 2) + s.rng.uniform(-0.04, 0.04)
        turn = 0.22 * (-1) ** i
        s.lock((angle, angle + turn), (0.97, end), (0.055, 0.095), width, 0.07, belly=1.7, flare=flare, root=0.6, light=True,
               tone="streak" if i == count // 3 else "outer")  # fmt: skip


def _gathered(s: Scalp, low: float = 0.02, width: float = 0.13) -> None:
    """The head of hair that is bound into tails: side locks, and the back down to the nape."""
    side_locks(s, low, width)
    curtain(s, 0.23, 11, width=0.25, thick=0.05, ragged=0.02, curl=-0.05)


def _tied(s: Scalp, root: tuple[float, float, float], way: tuple[float, float, float], radius: float, bow: float = 0.0) -> None:
    """A ring around a tail's root, `way` along the tail; and a bow of this size."""
    s.tie(ring(s.place(*root), np.array(way), radius * s.size, 0.35 * radius * s.size))
    if bow:
        out = np.array(way) * (1, 0, 0.3) + np.array([0, -1.0 if way[1] < 0.5 else 1.0, 0.2])
        at = np.array(root) + np.array([0, 0.0, 0.06]) + 0.08 * out / np.linalg.norm(out)
        for piece in ribbon(s.place(*at), bow * s.size, out):
            s.tie(piece)


def long(s: Scalp) -> None:
    side_locks(s, -0.15)
    curtain(s, -1.15, 13, width=0.27, flare=0.05)


def hime(s: Scalp) -> None:
    """Straight, cut like a princess's: blunt side locks at the jaw, long behind."""
    for d in (1, -1):
        s.lock((d * 0.95, d * 1.20), (0.95, 0.045), (0.035, 0.078), 0.24, 0.06, belly=12.0, rings=12, hang=0.40, light=True)
        s.lock((d * 1.15, d * 1.50), (0.95, 0.050), (0.035, 0.066), 0.22, 0.05, belly=12.0, rings=12, hang=0.40, light=True)
    curtain(s, -1.25, 13, width=0.29, ragged=0.0, belly=14.0, reach=1.35)


def wave(s: Scalp) -> None:
    side_locks(s, -0.20, 0.17, wave=0.045)
    curtain(s, -0.75, 13, width=0.30, flare=0.22, ragged=0.07, thick=0.10, wave=0.055, reach=1.55)


def bob(s: Scalp) -> None:
    for d in (1, -1):
        for azimuth, low in ((1.15, 0.035), (1.45, 0.02)):
            s.lock((d * (azimuth - 0.2), d * azimuth), (0.95, low), (0.035, 0.085), 0.22, 0.07, belly=9.0, rings=12, hang=0.40, flare=0.05,
                   curl=-0.10, light=True)  # fmt: skip
    curtain(s, 0.01, 14, width=0.29, flare=0.12, curl=-0.12, ragged=0.01, thick=0.10, reach=1.55, belly=9.0)


def short(s: Scalp) -> None:
    side_locks(s, 0.20)
    curtain(s, 0.10, 13, width=0.26, flare=0.04, curl=-0.02, thick=0.08)


def pixie(s: Scalp) -> None:
    """Very short, in layers close to the head."""
    for d in (1, -1):
        s.lock((d * 1.0, d * 1.42), (0.95, 0.34), (0.03, 0.062), 0.17, 0.05, belly=1.8, light=True)
    curtain(s, 0.27, 11, width=0.24, thick=0.07, ragged=0.03, curl=-0.03)
    layers(s, 8, 0.36, 0.06)


def twin(s: Scalp) -> None:
    _gathered(s, -0.02)
    for d, name in ((1, "left"), (-1, "right")):
        controls = [
            (d * 0.40, 0.10, 0.80),
            (d * 0.62, 0.13, 0.86),
            (d * 0.74, 0.16, 0.45),
            (d * 0.72, 0.18, -0.15),
            (d * 0.80, 0.16, -0.75),
        ]
        s.tail(f"tail_{name}", controls, 0.22, 6, 0.085)
        s.tie(ring(s.place(d * 0.49, 0.10, 0.835), np.array([d, 0.05, 0.45]), 0.085 * s.size, 0.030 * s.size))
        for piece in ribbon(s.place(d * 0.49, 0.03, 0.89), 0.20 * s.size, np.array([d * 0.45, -1.0, 0.25])):
            s.tie(piece)


def low_twin(s: Scalp) -> None:
    """Two tails from behind the ears, over the shoulders."""
    _gathered(s, 0.03)
    for d, name in ((1, "left"), (-1, "right")):
        controls = [
            (d * 0.34, 0.16, 0.24),
            (d * 0.47, 0.06, 0.10),
            (d * 0.50, -0.22, -0.14),
            (d * 0.46, -0.36, -0.50),
            (d * 0.44, -0.38, -0.95),
        ]
        s.tail(f"tail_{name}", controls, 0.19, 5, 0.060)
        _tied(s, (d * 0.41, 0.11, 0.17), (d * 0.8, -0.6, -0.8), 0.075)


def pony(s: Scalp) -> None:
    _gathered(s)
    s.tail("tail", [(0, 0.44, 0.80), (0, 0.66, 0.86), (0, 0.80, 0.45), (0, 0.74, -0.10), (0, 0.80, -0.60)], 0.26, 7, 0.09)
    s.tie(ring(s.place(0, 0.51, 0.83), np.array([0, 1, 0.4]), 0.09 * s.size, 0.032 * s.size))
    for piece in ribbon(s.place(0, 0.52, 0.93), 0.26 * s.size, np.array([0.0, 1.0, 0.5])):
        s.tie(piece)


def side_pony(s: Scalp) -> None:
    """One tail, high at the left."""
    _gathered(s)
    controls = [(0.34, 0.22, 0.86), (0.52, 0.28, 0.96), (0.70, 0.26, 0.62), (0.66, 0.20, 0.10), (0.72, 0.16, -0.42)]
    s.tail("tail", controls, 0.25, 7, 0.09)
    _tied(s, (0.42, 0.24, 0.91), (0.8, 0.2, 0.5), 0.088, 0.24)


def low_pony(s: Scalp) -> None:
    """A thin tail from the nape."""
    _gathered(s, 0.10)
    s.tail("tail", [(0, 0.36, 0.20), (0, 0.50, 0.12), (0.01, 0.50, -0.25), (0, 0.46, -0.65)], 0.17, 4, 0.045, bones=3)
    _tied(s, (0, 0.45, 0.15), (0, 0.9, -0.5), 0.065)


def braid(s: Scalp) -> None:
    """One braid, laid over the left shoulder."""
    _gathered(s, 0.03)
    controls = [(0.20, 0.34, 0.20), (0.42, 0.20, 0.04), (0.50, -0.20, -0.12), (0.42, -0.38, -0.48), (0.38, -0.40, -0.95)]
    s.braid("braid", controls, 0.165, 4.5)


def braids(s: Scalp) -> None:
    """Two braids in front of the shoulders."""
    _gathered(s, 0.06)
    for d, name in ((1, "left"), (-1, "right")):
        controls = [
            (d * 0.36, 0.12, 0.24),
            (d * 0.46, 0.0, 0.06),
            (d * 0.48, -0.24, -0.16),
            (d * 0.42, -0.36, -0.50),
            (d * 0.40, -0.38, -0.82),
        ]
        s.braid(f"braid_{name}", controls, 0.135, 4.0)


def bun(s: Scalp) -> None:
    """Two buns."""
    _gathered(s, -0.02)
    for d in (1, -1):
        centre = s.place(d * 0.30, 0.10, 0.99)
        s.ball(centre, 0.165)
        s.tie(ring(centre - np.array([d * 0.04, 0, 0.10]) * s.size, np.array([d * 0.35, 0, 1]), 0.115 * s.size, 0.026 * s.size))


def top_bun(s: Scalp) -> None:
    """One bun, high at the back."""
    _gathered(s, 0.04)
    s.ball(s.place(0, 0.30, 1.05), 0.20)
    _tied(s, (0, 0.23, 0.95), (0, 0.4, 1), 0.125)


def half_up(s: Scalp) -> None:
    """Long, with the upper hair bound behind by a bow."""
    side_locks(s, -0.12, 0.13)
    curtain(s, -0.85, 13, width=0.28, flare=0.07, curl=0.02, ragged=0.06)
    for d in (1, -1):
        # From the temples around to the back.
        s.lock((d * 1.2, d * 2.75), (0.80, 0.62), (0.07, 0.115), 0.20, 0.07, belly=5.0, rings=11, hang=0.30)
    s.tail("tail", [(0, 0.46, 0.62), (0, 0.58, 0.60), (0, 0.60, 0.25), (0, 0.56, -0.12)], 0.19, 4, 0.06, bones=2)
    _tied(s, (0, 0.51, 0.62), (0, 0.9, 0.1), 0.075, 0.30)


def drills(s: Scalp) -> None:
    """Curls like drills at both sides."""
    _gathered(s, 0.05)
    for d, name in ((1, "left"), (-1, "right")):
        controls = [(d * 0.42, 0.10, 0.62), (d * 0.56, 0.08, 0.42), (d * 0.60, 0.02, 0.0), (d * 0.58, -0.02, -0.50)]
        s.drill(f"drill_{name}", controls, 0.20, 4.5)
        _tied(s, (d * 0.43, 0.08, 0.66), (d * 0.9, -0.1, 0.3), 0.10, 0.19)


def curly(s: Scalp) -> None:
    """Shoulder-long, full and curled."""
    side_locks(s, 0.05, 0.20, wave=0.07)
    curtain(s, -0.22, 14, width=0.30, flare=0.34, curl=-0.10, ragged=0.09, thick=0.16, reach=1.6, wave=0.075)
    layers(s, 9, 0.45, 0.16)


def spiky(s: Scalp) -> None:
    curtain(s, 0.16, 11, width=0.25, flare=0.02, thick=0.06)
    spikes(s, 30, 0.30, 0.10, 0.60)
    for d in (1, -1):
        s.lock((d * 1.05, d * 1.42), (0.93, 0.30), (0.03, 0.07), 0.17, 0.05, belly=2.0, light=True)


def swept(s: Scalp) -> None:
    curtain(s, 0.13, 12, width=0.26, flare=0.02, thick=0.07, ragged=0.03)
    for d in (1, -1):
        s.lock((d * 1.05, d * 1.40), (0.94, 0.26), (0.03, 0.07), 0.18, 0.055, belly=2.2, light=True)
    layers(s, 8, 0.40, 0.10)


def shag(s: Scalp) -> None:
    side_locks(s, 0.18, 0.14)
    curtain(s, 0.0, 13, width=0.24, flare=0.10, ragged=0.07, thick=0.08)
    layers(s, 10, 0.36, 0.20, 0.20)


def undercut(s: Scalp) -> None:
    """Long on top and swept to the right, close-cropped below."""
    for i, angle in enumerate(np.linspace(0.9, 4.2, 8)):
        z = 0.60 if i % 2 else 0.55
        s.lock((angle * 0.9, angle), (0.96, z), (0.04, 0.085), 0.30, 0.08, belly=3.0, light=True)
    layers(s, 5, 0.62, 0.10)


def slick(s: Scalp) -> None:
    """Combed back."""
    curtain(s, 0.17, 9, width=0.26, thick=0.06, ragged=0.02, flare=0.05, reach=1.1)
    for d in (1, -1):
        for low, tip in ((0.66, 0.52), (0.54, 0.40)):
            s.lock((d * 1.15, d * 2.2), (low, tip), (0.02, 0.075), 0.17, 0.05, belly=3.0, hang=0.3, root=0.8)


@dataclass(frozen=True)
class Style:
    """How a style grows: what it lets grow, its name around a colour, who wears it (f, m), the nape's and the sides' hairlines, the fringes
    that go with it, and whether a hat fits."""

    grow: Callable[[Scalp], None]
    words: str
    who: str = "f"
    nape: float = 0.14
    fringes: tuple[str, ...] = ("straight", "straight", "swept", "parted", "blunt", "curtains", "choppy", "wispy", "one eye")
    hat: bool = True
    side: float = 0.47


_SHORT = ("straight", "swept", "choppy", "choppy", "parted", "one eye", "wispy")
_BOUND = ("straight", "swept", "parted", "blunt", "curtains", "wispy", "back")
STYLES = {
    "long": Style(long, "long straight {} hair"),
    "hime": Style(hime, "long {} hair in a hime cut", fringes=("blunt", "blunt", "blunt", "straight")),
    "wave": Style(wave, "long wavy {} hair"),
    "bob": Style(bob, "{} hair in a bob", fringes=("blunt", "straight", "swept", "parted", "curtains")),
    "short": Style(short, "short {} hair", "fm", fringes=_SHORT),
    "pixie": Style(pixie, "very short layered {} hair", "fm", fringes=_SHORT, nape=0.18),
    "twin": Style(twin, "long {} hair in twin tails", nape=0.18, fringes=_BOUND[:-1], hat=False),
    "low twin": Style(low_twin, "{} hair in low twin tails", nape=0.18, fringes=_BOUND[:-1]),
    "pony": Style(pony, "{} hair in a ponytail", nape=0.18, fringes=_BOUND, hat=False),
    "side pony": Style(side_pony, "{} hair in a side ponytail", nape=0.18, fringes=_BOUND[:-1], hat=False),
    "low pony": Style(low_pony, "{} hair tied at the nape", "fm", nape=0.18, fringes=_BOUND),
    "braid": Style(braid, "{} hair in a braid over one shoulder", nape=0.18, fringes=_BOUND),
    "braids": Style(braids, "{} hair in two braids", nape=0.18, fringes=_BOUND[:-1]),
    "bun": Style(bun, "{} hair in two buns", nape=0.18, fringes=_BOUND[:-1], hat=False),
    "top bun": Style(top_bun, "{} hair in a high bun", nape=0.18, fringes=_BOUND, hat=False),
    "half up": Style(half_up, "long {} hair, half up with a bow"),
    "drills": Style(drills, "{} hair in drill curls", nape=0.18, fringes=("straight", "blunt", "swept", "parted"), hat=False),
    "curly": Style(curly, "full curly {} hair", fringes=("straight", "parted", "choppy", "swept"), hat=False),
    "spiky": Style(spiky, "spiky {} hair", "m", fringes=("straight", "choppy", "swept", "parted"), hat=False),
    "swept": Style(swept, "short swept {} hair", "m", fringes=("swept", "parted", "curtains", "one eye")),
    "shag": Style(shag, "shaggy {} hair", "m", fringes=_SHORT),
    "undercut": Style(undercut, "{} hair in an undercut", "m", 0.20, ("swept", "one eye", "back"), False, 0.50),
    "slick": Style(slick, "slicked-back {} hair", "m", fringes=("back",), hat=False),
}


def build_hair(skull: Skull, style: str, bangs: str, rng: np.random.Generator, *, ahoge: bool = False, fine: bool = True) -> Hair:
    """Hair of one style with a fringe. Raises KeyError for an unknown one."""
    shape = STYLES[style]
    s = Scalp(skull, rng, fine)
    s.cap(0.050 if style != "undercut" else 0.030, 0.80 if bangs != "back" else 0.765, shape.side, shape.nape)
    fringe(s, bangs, streak=True)
    shape.grow(s)
    if ahoge:
        base = s.place(0.0, 0.06, 1.02)
        for way, w in ((1.0, 0.115), (-0.62, 0.085)):
            arc = [(0, 0, 0), (0.03 * way, -0.01, 0.12), (0.12 * way, -0.04, 0.20 * abs(way)), (0.25 * way, -0.07, 0.13 * abs(way))]
            path = spline(base + s.size * np.array(arc), 10)
            rings = lock_rings(path, np.tile([0, -1.0, 0.4], (10, 1)), w * s.size, 0.05 * s.size, root=0.55, belly=1.5, sides=s.sides)
            s.hair.pieces.append(strand(rings))
    return s.hair
