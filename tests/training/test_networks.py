# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""The networks: shapes, valid RGBA, no lattice at the start, and the conditioning's twin on torch."""

from __future__ import annotations

import io

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ningyo.errors import UserError
from ningyo.synth_data.pose.conditioning import CHANNELS, PACKED
from ningyo.synth_data.pose.conditioning import expand as expand_numpy
from ningyo.training.discriminators import Discriminator
from ningyo.training.networks import CharacterModel, Generator, cut, expand, paste, refiner_side
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
    generator = CharacterModel(preset.widths, preset.blocks, preset.head, preset.refiner, refiner_side(64)).eval()
    with torch.no_grad():
        image = generator(torch.randn(1, len(CHANNELS), 64, 96), torch.tensor([[32.0, 20, 16]]))
    assert image.shape == (1, 4, 64, 96)
    assert (image >= 0).all()
    assert (image[:, :3] <= image[:, 3:]).all()
    if name not in ("large", "xl"):
        assert 2 * sum(p.numel() for p in generator.parameters()) < 16e6  # bytes in float16
    (judged,) = Discriminator(preset.discriminator)(torch.randn(1, len(CHANNELS), 64, 96), image)
    sizes = [logits.shape[-2:] for logits, _ in judged]
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


def squares(batch: int, size: int) -> torch.Tensor:
    """Heads of a quarter of the picture, a little above its middle."""
    return torch.tensor([[size / 2, size / 3, size / 4]]).repeat(batch, 1)


def test_what_is_cut_is_what_is_there_and_pasting_puts_it_back() -> None:
    y, x = torch.meshgrid(torch.arange(64.0) + 0.5, torch.arange(96.0) + 0.5, indexing="ij")
    picture = torch.stack([x, y])[None]
    square = torch.tensor([[40.0, 24.0, 16.0]])
    crop = cut(picture, square, 32)
    # Pixel centres of a crop twice as fine: the first is a quarter of a pixel inside the square.
    assert crop[0, 0, 0].tolist() == pytest.approx([32.25 + 0.5 * i for i in range(32)], abs=1e-3)
    assert crop[0, 1, :, 0].tolist() == pytest.approx([16.25 + 0.5 * i for i in range(32)], abs=1e-3)
    back = paste(crop, square, (64, 96))
    assert torch.allclose(back[..., 17:31, 33:47], picture[..., 17:31, 33:47], atol=1e-3)
    back[..., 15:33, 31:49] = 0
    assert not back.any()


@pytest.mark.parametrize("square", [[40.0, 24.0, 0.0], [500.0, 24.0, 16.0]], ids=["not seen", "outside"])
def test_a_head_that_is_not_there_changes_nothing(square: list[float]) -> None:
    assert not paste(torch.ones(1, 4, 32, 32), torch.tensor([square]), (64, 96)).any()
    assert not cut(torch.ones(1, 4, 64, 96), torch.tensor([square]), 32).any()


def test_the_refiner_begins_as_nothing_and_then_changes_the_head_alone() -> None:
    torch.manual_seed(0)
    model = CharacterModel((8, 8, 8, 8), (1, 1, 1, 1), 8, refiner=8, side=64).eval()
    assert model.refiner is not None
    conditioning, head = expand(torch.from_numpy(random_packed(2, 128)).permute(0, 3, 1, 2)), squares(2, 128)
    head[1, 2] = 0
    with torch.no_grad():
        coarse = model(conditioning)
        assert torch.equal(model(conditioning, head), coarse)
        torch.nn.init.normal_(model.refiner.out.weight)
        refined = model(conditioning, head)
    changed = (refined - coarse).abs().amax(1) > 1e-4
    assert not changed[1].any()
    rows, columns = torch.nonzero(changed[0], as_tuple=True)
    x, y, side = head[0].tolist()
    assert y - side / 2 - 1 <= int(rows.min()) < y - side / 4
    assert y + side / 4 < int(rows.max()) <= y + side / 2
    assert x - side / 2 - 1 <= int(columns.min())
    assert int(columns.max()) <= x + side / 2
    assert (refined >= 0).all()
    assert (refined[:, :3] <= refined[:, 3:]).all()
    assert float(refined.max()) <= 1
    # Feathered: the change is small at the rim.
    change = (refined - coarse)[0].abs().amax(0)
    middle = change[int(y) - 4 : int(y) + 4, int(x) - 4 : int(x) + 4].mean()
    assert change[int(y), int(x - side / 2)] < 0.2 * middle


def test_the_refiners_gradient_reaches_it_and_the_generator() -> None:
    torch.manual_seed(0)
    model = CharacterModel((8, 8, 8, 8), (1, 1, 1, 1), 8, refiner=8, side=64)
    assert model.refiner is not None
    torch.nn.init.normal_(model.refiner.out.weight, 0, 0.1)
    conditioning, head = expand(torch.from_numpy(random_packed(2, 128)).permute(0, 3, 1, 2)), squares(2, 128)
    raw = model.body.raw(conditioning).detach().requires_grad_(True)
    residual = model.refiner(conditioning, raw, head)
    (through,) = torch.autograd.grad(residual.square().mean(), raw, retain_graph=True)
    assert through.abs().sum() > 0  # by way of the coarse head that it is shown
    model(conditioning, head).square().mean().backward()
    for part in (model.body, model.refiner):
        assert all(p.grad is not None for p in part.parameters())
        assert sum(float(p.grad.abs().sum()) for p in part.parameters() if p.grad is not None) > 0
    model.zero_grad()
    model.refine = False
    model(conditioning, head).mean().backward()
    assert all(p.grad is None for p in model.refiner.parameters())


def test_the_network_exports_with_operators_of_opset_16() -> None:
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    model = CharacterModel((8, 8, 8, 8), (1, 1, 1, 1), 8, refiner=8, side=64).eval()
    assert model.refiner is not None
    torch.nn.init.normal_(model.refiner.out.weight, 0, 0.1)
    conditioning, head = expand(torch.from_numpy(random_packed(1, 64)).permute(0, 3, 1, 2)).contiguous(), squares(1, 64)
    file = io.BytesIO()
    names = ["conditioning", "head"]
    torch.onnx.export(model, (conditioning, head), file, input_names=names, opset_version=16, dynamo=False)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {"conditioning": conditioning.numpy(), "head": head.numpy()})
    with torch.no_grad():
        assert np.abs(theirs - model(conditioning, head).numpy()).max() < 1e-4
