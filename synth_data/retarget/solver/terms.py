# SPDX-License-Identifier: GPL-3.0-or-later
"""What a clip's motion should satisfy, as weighted residuals with derivatives.

Weights and widths follow a study on clips with exact ground truth, re-tuned on our own (benchmarks/README.md). Robust kernels enter as the
weights of iteratively re-weighted least squares: for Σ ρ(r²) each residual counts ρ'(r²).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..kinematics import Array, matrix_to_axis_angle
from .skeleton import DOF, FREE, INDEX, JOINT, NAMES, SCALES, SIDES, Posed, Skeleton, attached, posed, transpose
from .system import NormalEquations
from .view import View

VIEW = 3  # shared unknowns: log focal length, pitch, height; then SCALES
SHARED = VIEW + len(SCALES)
FRAMES_OF_EVIDENCE = 10  # what so many frames tell of the shared unknowns counts as one piece of evidence
SOLES_TOUCHING = (0, 1, 3, 4)  # of the skeleton's soles: left heel, left ball, right heel, right ball

# (SHARED,) what each proportion is of the body's height.
HEIGHT_SHARES = np.array([0.0] * VIEW + [{"trunk": 0.29, "head": 0.18, "thighs": 0.245, "shins": 0.245}.get(name, 0.0) for name in SCALES])

# Directions between markers: (landmarks, landmarks, weight). Each end is the mean of its landmarks.
DIRECTIONS: tuple[tuple[tuple[int, ...], tuple[int, ...], float], ...] = (
    ((24,), (23,), 1.0), ((12,), (11,), 1.0), ((23, 24), (11, 12), 1.0),
    *(((a + k,), (b + k,), 1.0) for a, b in ((11, 13), (13, 15), (23, 25), (25, 27)) for k in (0, 1)),
    *(((a + k,), (b + k,), 0.7) for a, b in ((29, 31), (27, 29)) for k in (0, 1)),
    ((8,), (7,), 0.7), ((7, 8), (0,), 0.7),
)  # fmt: skip
TRUNK = 2  # which of them is the trunk's
ACCELERATED = tuple(
    [INDEX[name] for name in ("hips", "head")]
    + [INDEX[f"{side}_{part}"] for part in ("upper_arm", "forearm", "thigh", "shin", "foot", "toe") for side in SIDES]
    + [len(NAMES), len(NAMES) + 1, len(NAMES) + 2]
)
TURNING = tuple(
    [INDEX[name] for name in ("hips", "spine1", "spine2", "head")]
    + [INDEX[f"{side}_{part}"] for part in ("upper_arm", "forearm", "thigh", "shin", "foot") for side in SIDES]
)


@dataclass(frozen=True)
class Weights:
    """How much each term counts. Metres, radians, seconds."""

    pixels: float = 1.0
    pixel_width: float = 4 / 270  # of the person's height in the picture
    directions: float = 1.2
    direction_width: float = 0.45
    direction_axes: tuple[float, float, float] = (0.3, 1.0, 0.3)  # across, in depth, up
    smooth: float = 0.4
    acceleration: float = 8.0  # m/s²
    root_acceleration: tuple[float, float, float] = (4.0, 1.5, 6.0)  # across, in depth, up
    turning: float = 60.0  # rad/s²
    prior: float = 0.6
    limits: float = 0.1  # radians
    upright: float = 3.0
    lean: float = math.radians(4.0)  # forward, of trunks in everyday motion
    upright_width: float = 0.3
    floor: float = 0.02  # metres
    sliding: float = 0.01  # metres a frame
    standing: float = 0.02  # metres
    focal: float = 0.02  # of its logarithm
    pitch: float = math.radians(3)
    height: float = 0.6
    scale: float = 0.08
    size: float = 0.01


def _degrees(*angles: float) -> tuple[float, ...]:
    return tuple(math.radians(a) for a in angles)


# Joint → mean and standard deviation of its rotation vector, radians: about the body's left, back and up in the reference pose.
PRIORS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "spine": ((0.25, 0.0, 0.0), _degrees(25, 15, 18)),
    "neck": ((-0.2, 0.0, 0.0), _degrees(20, 25, 25)),
    **{f"{side}_shoulder": ((0.0, 0.0, 0.0), _degrees(4, 14, 14)) for side in SIDES},
    **{f"{side}_forearm": ((0.0, 0.0, 0.0), _degrees(3, 3, 1000)) for side in SIDES},
    **{f"{side}_shin": ((0.0, 0.0, 0.0), _degrees(1000, 6, 6)) for side in SIDES},
    **{f"{side}_foot": ((0.0, 0.0, 0.0), _degrees(20, 14, 14)) for side in SIDES},
    **{f"{side}_toe": ((0.0, 0.0, 0.0), _degrees(12, 1, 1)) for side in SIDES},
}
# Joint → component of its rotation along its bone, and the standard deviation from the first guess: the twist of a limb is seen by the way
# its hinge bends alone, and hardly where it is nearly straight.
TWISTS: dict[str, tuple[int, float]] = {
    **{f"{side}_upper_arm": (0, math.radians(50)) for side in SIDES},
    **{f"{side}_thigh": (2, math.radians(30)) for side in SIDES},
}
# Joint → component of its rotation vector, sign, lowest and highest value: hinges.
HINGES: tuple[tuple[str, int, float, float, float], ...] = (
    ("left_forearm", 2, -1.0, 0.03, 2.6),
    ("right_forearm", 2, 1.0, 0.03, 2.6),
    ("left_shin", 0, 1.0, 0.05, 2.5),
    ("right_shin", 0, 1.0, 0.05, 2.5),
)
PER_FRAME = ("pixels", "weight", "directions", "direction_weight", "guess")


@dataclass
class Observed:
    """What was seen, on an even clock. `linked` (F − 1,): whether a frame follows the one before (not so where a piece begins)."""

    fps: float
    pixels: Array  # (F, 33, 2)
    weight: Array  # (F, 33) 0…1
    directions: Array  # (F, len(DIRECTIONS), 3) world, unit
    direction_weight: Array  # (F, len(DIRECTIONS))
    guess: Array  # (F, J, 3, 3) of free joints, whose twists count
    tall: float  # the person's height in the picture, px
    linked: npt.NDArray[np.bool_]

    def part(self, frames: slice) -> Observed:
        arrays = {name: getattr(self, name)[frames] for name in PER_FRAME}
        return Observed(fps=self.fps, tall=self.tall, linked=self.linked[frames.start : frames.stop - 1], **arrays)


def joined(pieces: list[Observed]) -> Observed:
    """Pieces of one clip, one after another, not linked to each other."""
    linked = np.concatenate([np.append(piece.linked, False) for piece in pieces])[:-1]
    first = pieces[0]
    arrays = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in PER_FRAME}
    return Observed(fps=first.fps, tall=first.tall, linked=linked, **arrays)


@dataclass
class State:
    """A clip's motion and what all its frames share. `scales` are logarithms of SCALES."""

    root: Array  # (F, 3)
    free: Array  # (F, J, 3, 3)
    vectors: Array  # (F, J, 3)
    view: View
    scales: Array

    def part(self, pieces: list[slice]) -> State:
        """The frames of these pieces, one after another."""
        root, free, vectors = (np.concatenate([values[piece] for piece in pieces]) for values in (self.root, self.free, self.vectors))
        return State(root, free, vectors, self.view, self.scales)


@dataclass
class Expected:
    """What is held of the shared unknowns: means, standard deviations, and which are free at all, (SHARED,) each."""

    mean: Array
    spread: Array
    free: npt.NDArray[np.bool_]


@dataclass
class Pinned:
    """Frames that keep to another solution: (F,) how strongly, and the state to keep to."""

    strength: Array
    state: State


def geman_mcclure(squared: Array, width: float) -> tuple[Array, Array]:
    """ρ and ρ' of ρ(e²) = (e²/s²) / (1 + e²/9s²): quadratic up to about s, bounded by 9 (Geman and McClure 1987, widened)."""
    x = squared / width**2
    below = 1 + x / 9
    return x / below, 1 / (width**2 * below**2)


def pseudo_huber(squared: Array, width: float) -> tuple[Array, Array]:
    """ρ and ρ' of ρ(e²) = √(1 + e²/s²) − 1 (Charbonnier et al. 1994)."""
    root = np.asarray(np.sqrt(1 + squared / width**2), np.float64)
    return root - 1, 0.5 / (width**2 * root)


@dataclass
class Problem:
    """The objective over one stretch of frames."""

    skeleton: Skeleton
    seen: Observed
    expected: Expected
    weights: Weights
    contact: Array  # (F, 4) 0…1
    pinned: Pinned | None = None

    def evaluate(self, state: State, system: NormalEquations | None = None) -> float:
        """The objective's value; with `system`, the normal equations of its terms are added to it."""
        pose = posed(self.skeleton, state.root, state.free, state.vectors, state.scales, derivatives=system is not None)
        add = _Adder(system, self.expected.free)
        total = self._markers(state, pose, add)
        total += self._floor(pose, add)
        total += self._smoothness(state, pose, add)
        total += self._joints(state, add)
        total += self._shared(state, add)
        if self.pinned is not None:
            total += self._pins(state, self.pinned, add)
        return total

    def _markers(self, state: State, pose: Posed, add: _Adder) -> float:
        places, slide, stretch = attached(pose, self.skeleton.markers)
        return self._pixels(state, places, slide, stretch, add) + self._directions(pose, places, slide, stretch, add)

    def _pixels(self, state: State, places: Array, slide: Array | None, stretch: Array | None, add: _Adder) -> float:
        """Markers lie over the landmarks in the picture."""
        seen, weights, frames = self.seen, self.weights, len(places)
        landmarks = list(self.skeleton.landmarks)
        pixels, local = state.view.project(places)
        miss = pixels - seen.pixels[:, landmarks]
        rho, slope = geman_mcclure(np.sum(miss**2, -1), weights.pixel_width * seen.tall)
        count = weights.pixels * seen.weight[:, landmarks]
        if slide is not None and stretch is not None:
            by_world, by_view = state.view.derivatives(local)
            shared = np.concatenate([by_view, by_world @ stretch], -1)
            weight = np.repeat(count * slope, 2, axis=1)
            add(miss.reshape(frames, -1), weight, (by_world @ slide).reshape(frames, -1, DOF), shared.reshape(frames, -1, SHARED))
        return float(np.sum(count * rho))

    def _directions(self, pose: Posed, places: Array, slide: Array | None, stretch: Array | None, add: _Adder) -> float:
        """Ways from marker to marker are the landmarks' in space, in depth above all; the trunk leans as people do."""
        seen, weights, frames = self.seen, self.weights, len(places)
        apart = self._apart(places)
        length = np.maximum(np.linalg.norm(apart, axis=-1, keepdims=True), 1e-6)
        along = apart / length
        axes = np.array(weights.direction_axes)
        miss = axes * (along - seen.directions)
        rho, slope = geman_mcclure(np.sum(miss**2, -1), weights.direction_width)
        count = weights.directions * seen.direction_weight
        # How far the trunk leans in depth beyond what people lean forward, who face across or along the view.
        trunk = along[:, TRUNK, 1] + math.sin(weights.lean) * pose.turns[:, 0, 1, 1]
        lean, lean_slope = geman_mcclure(trunk**2, weights.upright_width)
        if slide is not None and stretch is not None:
            across = (np.eye(3) - along[..., :, None] * along[..., None, :]) / length[..., None]
            by_own, by_shape = across @ self._apart(slide), across @ self._apart(stretch)
            shared = np.concatenate([np.zeros((*by_shape.shape[:-1], VIEW)), by_shape], -1)
            add(
                miss.reshape(frames, -1),
                np.repeat(count * slope, 3, axis=1),
                (axes[:, None] * by_own).reshape(frames, -1, DOF),
                (axes[:, None] * shared).reshape(frames, -1, SHARED),
            )
            add(trunk[:, None], weights.upright * lean_slope[:, None], by_own[:, TRUNK, 1:2], shared[:, TRUNK, 1:2])
        return float(np.sum(count * rho)) + weights.upright * float(np.sum(lean))

    def _apart(self, values: Array) -> Array:
        """(F, len(DIRECTIONS), …) what lies between the ends of each direction, of values (F, landmarks, …)."""
        at = {landmark: k for k, landmark in enumerate(self.skeleton.landmarks)}

        def mean(groups: list[tuple[int, ...]]) -> Array:
            return 0.5 * (values[:, [at[group[0]] for group in groups]] + values[:, [at[group[-1]] for group in groups]])

        return mean([end for _, end, _ in DIRECTIONS]) - mean([start for start, _, _ in DIRECTIONS])

    def _floor(self, pose: Posed, add: _Adder) -> float:
        weights = self.weights
        places, slide, stretch = attached(pose, self.skeleton.soles)
        height = places[..., 2]
        under = np.minimum(height, 0.0)
        total = float(np.sum(under**2)) / weights.floor**2
        touching = list(SOLES_TOUCHING)
        stands, stands_slope = geman_mcclure(height[:, touching] ** 2, weights.standing)
        total += float(np.sum(self.contact * stands))
        steps = np.diff(places[:, touching, :2], axis=0)
        both = self.contact[1:] * self.contact[:-1] * self.seen.linked[:, None]
        slides, slides_slope = geman_mcclure(np.sum(steps**2, -1), weights.sliding)
        total += float(np.sum(both * slides))
        if slide is not None and stretch is not None:
            shared = np.concatenate([np.zeros((*stretch.shape[:-1], VIEW)), stretch], -1)
            add(under, (height < 0) / weights.floor**2, slide[:, :, 2], shared[:, :, 2])
            add(height[:, touching], self.contact * stands_slope, slide[:, touching, 2], shared[:, touching, 2])
            frames = len(height)
            if frames == 1:
                return total
            flat = slide[:, touching, :2].reshape(frames, -1, DOF)
            flat_shared = shared[:, touching, :2].reshape(frames, -1, SHARED)
            add(
                steps.reshape(frames - 1, -1),
                np.repeat(both * slides_slope, 2, axis=1),
                flat,
                np.diff(flat_shared, axis=0),
                stencil=(-1.0, 1.0),
            )
        return total

    def _smoothness(self, state: State, pose: Posed, add: _Adder) -> float:
        weights, fps = self.weights, self.seen.fps
        linked = self.seen.linked
        if len(linked) < 2:
            return 0.0
        inside = (linked[1:] & linked[:-1]).astype(np.float64)
        frames, squared = len(inside), fps**2
        moving = list(ACCELERATED)
        bend = squared * np.diff(pose.joints[:, moving], 2, axis=0)
        rho, slope = pseudo_huber(np.sum(bend**2, -1), weights.acceleration)
        total = weights.smooth * float(np.sum(inside[:, None] * rho))
        across = np.array(weights.root_acceleration)
        root = squared * np.diff(state.root, 2, axis=0) / across
        total += weights.smooth * float(np.sum(inside[:, None] * root**2))
        turning = list(TURNING)
        turns = pose.turns[:, turning]
        spin = matrix_to_axis_angle(turns[1:] @ transpose(turns[:-1]))
        change = squared * np.diff(spin, axis=0)
        turn_rho, turn_slope = pseudo_huber(np.sum(change**2, -1), weights.turning)
        total += weights.smooth * float(np.sum(inside[:, None] * turn_rho))
        if pose.slide is not None and pose.spin is not None and pose.stretch is not None:
            stencil = (squared, -2 * squared, squared)
            slide = pose.slide[:, moving].reshape(len(pose.joints), -1, DOF)
            stretch = squared * np.diff(pose.stretch[:, moving].reshape(len(pose.joints), -1, len(SCALES)), 2, axis=0)
            shared = np.concatenate([np.zeros((*stretch.shape[:-1], VIEW)), stretch], -1)
            count = weights.smooth * inside[:, None]
            add(bend.reshape(frames, -1), np.repeat(count * slope, 3, axis=1), slide, shared, stencil=stencil)
            place = np.broadcast_to(np.eye(3, DOF) / across[:, None], (frames + 2, 3, DOF))
            add(root, np.repeat(count, 3, axis=1), place, None, stencil=stencil)
            add(
                change.reshape(frames, -1),
                np.repeat(count * turn_slope, 3, axis=1),
                pose.spin[:, turning].reshape(len(pose.turns), -1, DOF),
                None,
                stencil=stencil,
            )
        return total

    def _joints(self, state: State, add: _Adder) -> float:
        weights, total = self.weights, 0.0
        for name, (mean, spread) in PRIORS.items():
            j = JOINT[name]
            off = state.vectors[:, j] - mean
            weight = weights.prior / np.square(spread)
            total += float(np.sum(weight * off**2))
            add.diagonal(off, np.broadcast_to(weight, off.shape), slice(3 + 3 * j, 6 + 3 * j))
        for name, (axis, spread) in TWISTS.items():
            j = JOINT[name]
            twist = matrix_to_axis_angle(transpose(self.seen.guess[:, j]) @ state.free[:, j])[:, axis : axis + 1]
            weight = np.full_like(twist, weights.prior / spread**2)
            total += float(np.sum(weight * twist**2))
            add.diagonal(twist, weight, slice(3 + 3 * j + axis, 4 + 3 * j + axis))
        for name, axis, sign, low, high in HINGES:
            j = JOINT[name]
            bend = sign * state.vectors[:, j, axis]
            beyond = np.where(bend < low, bend - low, np.where(bend > high, bend - high, 0.0))
            total += float(np.sum(beyond**2)) / weights.limits**2
            column = 3 + 3 * j + axis
            add.diagonal(sign * beyond[:, None], (beyond != 0)[:, None] / weights.limits**2, slice(column, column + 1))
        return total

    def _shared(self, state: State, add: _Adder) -> float:
        off = (shared_values(state) - self.expected.mean) * self.expected.free
        weight = 1 / self.expected.spread**2
        add.corner(off, np.diag(weight))
        # The size as a whole is not seen (a larger person further away looks the same), so that it is held closer than its parts.
        size = HEIGHT_SHARES / self.weights.size
        whole = float(size @ off)
        add.corner(off, np.outer(size, size))
        return float(np.sum(weight * off**2)) + whole**2

    def _pins(self, state: State, pinned: Pinned, add: _Adder) -> float:
        strength = pinned.strength[:, None]
        away = np.concatenate([state.root - pinned.state.root, _away(state, pinned.state).reshape(len(state.root), -1)], 1)
        add.diagonal(away, np.broadcast_to(strength, away.shape), slice(0, DOF))
        return float(np.sum(strength * away**2))


def _away(state: State, other: State) -> Array:
    """(F, J, 3) rotation vectors from the joints of `other` to those of `state`."""
    turned = matrix_to_axis_angle(transpose(other.free) @ state.free)
    return np.where(FREE[:, None], turned, state.vectors - other.vectors)


def shared_values(state: State) -> Array:
    """(SHARED,) the shared unknowns of a state."""
    view = state.view
    return np.concatenate([[math.log(view.focal), view.pitch, view.height], state.scales])


class _Adder:
    """Adds to normal equations, with the columns of the shared unknowns that are free; does nothing where none are wanted."""

    def __init__(self, system: NormalEquations | None, free: npt.NDArray[np.bool_]) -> None:
        self.system, self.free = system, free

    def __call__(
        self, residual: Array, weight: Array, derivative: Array, shared: Array | None = None, stencil: tuple[float, ...] = (1.0,)
    ) -> None:
        if self.system is not None:
            some = None if shared is None or not self.free.any() else shared[..., self.free]
            self.system.add(residual, weight, derivative, some, stencil)

    def diagonal(self, residual: Array, weight: Array, columns: slice) -> None:
        if self.system is not None:
            self.system.add_diagonal(residual, weight, columns)

    def corner(self, residual: Array, weight: Array) -> None:
        """Add rᵀWr for residuals (SHARED,) that are the shared unknowns' own and weights (SHARED, SHARED)."""
        if self.system is not None:
            self.system.corner += weight[np.ix_(self.free, self.free)]
            self.system.right_shared += (weight @ residual)[self.free]
