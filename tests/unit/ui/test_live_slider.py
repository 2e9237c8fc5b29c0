import math

import pytest

from pgvista.ui.components.live_slider import _clean, live_slider


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (57.2, 57.0),
        (-3, 1.0),
        (1e9, 1000.0),
        (math.nan, 60.0),
        (math.inf, 60.0),
        ("12", 60.0),
        (None, 60.0),
        (True, 60.0),
        ([1], 60.0),
    ],
)
def test_whatever_the_browser_sends_ends_within_the_range(sent: object, kept: float) -> None:
    assert _clean(sent, minimum=1, maximum=1000, step=1, log=True, default=60) == kept


def test_values_stand_on_the_grid_without_binary_dust() -> None:
    assert _clean(0.30000000000000004, minimum=0, maximum=1, step=0.1, log=False, default=0) == 0.3
    assert _clean(7, minimum=1, maximum=10, step=4, log=False, default=1) == 9.0


def test_a_range_or_format_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        live_slider("x", key="x", minimum=1, maximum=1, value=1)
    with pytest.raises(ValueError, match="above 0"):
        live_slider("x", key="x", minimum=0, maximum=1, value=1, log=True)
    with pytest.raises(ValueError, match="form"):
        live_slider("x", key="x", minimum=0, maximum=1, value=1, format="%d")
