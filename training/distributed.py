# SPDX-License-Identifier: GPL-3.0-or-later
"""One training on several devices (`torchrun`): every process has the whole network and its share of each batch.

Gradients are averaged in one go, without DistributedDataParallel: a step runs the networks several times and differentiates gradients
(R1), which its hooks do not allow for. Batch norm takes the statistics of all processes' pictures, so that the result does not depend on
how many there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce


class World:
    """The processes of a training: this one's `rank`, and how many there are (`size`)."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    def mean(self, value: Tensor) -> Tensor:
        """The mean of all processes' values; without gradient."""
        if self.size == 1:
            return value.detach()
        total = value.detach().clone()
        distributed.all_reduce(total)
        return total / self.size

    def first(self, value: float) -> float:
        """The first process's value, in all."""
        if self.size == 1:
            return value
        told = [value]
        distributed.broadcast_object_list(told)
        return told[0]

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Make every process's gradients the mean of all's. A parameter without a gradient anywhere keeps none."""
        if self.size == 1:
            return
        parameters = list(parameters)
        known = torch.tensor([float(p.grad is not None) for p in parameters], device=parameters[0].device)
        distributed.all_reduce(known)
        used = [p for p, count in zip(parameters, known.tolist(), strict=True) if count]
        if not used:
            return
        flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in used])
        distributed.all_reduce(flat)
        flat /= self.size
        for p, part in zip(used, flat.split([p.numel() for p in used]), strict=True):
            p.grad = part.reshape(p.shape).to(memory_format=_format_of(p))


ALONE = World()


def _format_of(tensor: Tensor) -> torch.memory_format:
    channels_last = tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if channels_last else torch.contiguous_format


@contextmanager
def joined() -> Iterator[World]:
    """The world that `torchrun` started this process in; a world of its own without."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield World(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm (Ioffe & Szegedy 2015) over the pictures of all processes."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        size = distributed.get_world_size()
        wide = input.float()
        mean = all_reduce(wide.mean((0, 2, 3))) / size
        centred = wide - mean[:, None, None]
        variance = all_reduce(centred.square().mean((0, 2, 3))) / size
        with torch.no_grad():
            count = size * input.numel() / input.shape[1]
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / max(count - 1, 1), self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)


def share_statistics(network: nn.Module, world: World) -> None:
    """Let the network's batch norms take all processes' statistics."""
    if world.size == 1:
        return
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d
