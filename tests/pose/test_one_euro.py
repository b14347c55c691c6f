# SPDX-License-Identifier: GPL-3.0-or-later
"""The 1€ filter against the paper's formulas, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.pose.one_euro import OneEuro


def test_by_hand():
    # τ = 1/2π s at 1 Hz and Tₑ = 0.1 s: α = 1 / (1 + τ/Tₑ) = 1 / (1 + 1.591549) = 0.385869.
    still = OneEuro(min_cutoff=1.0, beta=0.0)
    assert still.filter(np.array([0.0]), 0.0) == [0.0]
    assert still.filter(np.array([1.0]), 0.1) == pytest.approx(0.385869, abs=1e-6)
    # The speed: 1 / 0.1 = 10 a second, low-passed at 1 Hz from 0: 3.85869. The cut-off: 1 + 0.5 · 3.85869 = 2.929345 Hz, α = 0.647957.
    quick = OneEuro(min_cutoff=1.0, beta=0.5)
    quick.filter(np.array([0.0]), 0.0)
    assert quick.filter(np.array([1.0]), 0.1) == pytest.approx(0.647957, abs=1e-6)
    # A longer step: Tₑ = 0.3 s, α(1 Hz) = 1 / (1 + 0.530516) = 0.653374; the speed (1 − 0.647957) / 0.3 = 1.173477 from 3.85869:
    # 3.85869 + 0.653374 · (1.173477 − 3.85869) = 2.104252; cut-off 2.052126 Hz, α = 0.794573; 0.647957 + 0.794573 · 0.352045 = 0.927680.
    assert quick.filter(np.array([1.0]), 0.4) == pytest.approx(0.927680, abs=1e-5)


def test_fast_lags_less():
    ramp = np.arange(50) * 10.0
    lags = []
    for beta in (0.0, 0.05):
        one_euro = OneEuro(1.0, beta)
        lags.append(ramp[-1] - [one_euro.filter(np.array([x]), i / 25)[0] for i, x in enumerate(ramp)][-1])
    assert lags[1] < lags[0] / 4


def test_unseen_elements_start_anew():
    one_euro = OneEuro(1.0, 0.0)
    one_euro.filter(np.array([0.0, 0.0]), 0.0)
    out = one_euro.filter(np.array([np.nan, 1.0]), 0.1)
    assert np.isnan(out[0])
    assert out[1] == pytest.approx(0.385869, abs=1e-6)
    assert one_euro.filter(np.array([5.0, 1.0]), 0.2)[0] == 5.0
    assert one_euro.filter(np.array([6.0, 1.0]), 0.3)[0] == pytest.approx(5.385869, abs=1e-6)


def test_what_comes_out_is_not_the_filters_own():
    one_euro = OneEuro()
    one_euro.filter(np.zeros(2), 0.0)[:] = 9
    one_euro.filter(np.zeros(2), 0.1)[:] = 9
    np.testing.assert_array_equal(one_euro.filter(np.zeros(2), 0.2), 0)


def test_time_rises_and_the_shape_stays():
    one_euro = OneEuro()
    one_euro.filter(np.zeros((33, 3)), 1.0)
    with pytest.raises(ValueError, match="after"):
        one_euro.filter(np.zeros((33, 3)), 1.0)
    with pytest.raises(ValueError, match="after"):
        one_euro.filter(np.zeros((21, 3)), 2.0)
    with pytest.raises(ValueError, match="cut-offs"):
        OneEuro(min_cutoff=0)
