# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""The networks: shapes, valid RGBA, no lattice at the start, and the conditioning's twin on torch."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ningyo.errors import UserError
from ningyo.synth_data.pose.conditioning import CHANNELS, PACKED
from ningyo.synth_data.pose.conditioning import expand as expand_numpy
from ningyo.training.networks import Discriminator, Generator, expand
from ningyo.training.presets import PRESETS, preset_named


def random_packed(batch: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    packed = rng.integers(1, 256, (batch, size, size, PACKED), dtype=np.uint8)
    packed[..., 0] = rng.integers(0, 16, (batch, size, size))
    return packed


def test_torch_and_numpy_make_the_same_channels() -> None:
    packed = random_packed(2, 16)
    ours = expand(torch.from_numpy(packed).permute(0, 3, 1, 2))
    for i in range(2):
        assert np.abs(ours[i].numpy() - expand_numpy(packed[i])).max() < 1e-6


@pytest.mark.parametrize("name", PRESETS)
def test_presets_make_premultiplied_pictures_and_small_files(name: str) -> None:
    preset = preset_named(name)
    generator = Generator(preset.widths, preset.blocks, preset.head).eval()
    with torch.no_grad():
        image = generator(torch.randn(1, len(CHANNELS), 64, 96))
    assert image.shape == (1, 4, 64, 96)
    assert (image >= 0).all()
    assert (image[:, :3] <= image[:, 3:]).all()
    if name != "large":
        assert 2 * sum(p.numel() for p in generator.parameters()) < 16e6  # bytes in float16
    sizes = [logits.shape[-2:] for logits, _ in Discriminator(preset.discriminator)(torch.randn(1, len(CHANNELS), 64, 96), image)]
    assert sizes == [(8, 12), (4, 6)]


def test_an_untrained_head_has_no_lattice() -> None:
    # On a flat input the sub-pixels of every output must be the same.
    generator = Generator((8, 8, 8, 8), (1, 1, 1, 1), 8)
    for conv in (generator.to_half, generator.to_rgba):
        with torch.no_grad():
            picture = torch.nn.functional.pixel_shuffle(conv(torch.randn(1, 8, 1, 1).expand(1, 8, 8, 8)), 2)[..., 2:-2, 2:-2]
        assert float((picture - picture[..., :1, :1]).abs().max()) < 1e-5
        assert float(picture.abs().max()) > 1e-3


def test_unknown_presets_are_named() -> None:
    with pytest.raises(UserError, match="small"):
        preset_named("enormous")
