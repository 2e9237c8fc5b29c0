import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.unit.colour_vision import VISION, nearest

from pgvista.ui.theme import DARK, LIGHT, Palette

CONFIG = Path(__file__).resolve().parents[3] / ".streamlit" / "config.toml"


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return tomllib.loads(CONFIG.read_text("utf-8"))


@pytest.mark.parametrize(("name", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_config_and_charts_have_the_same_colours(
    config: dict[str, Any], name: str, palette: Palette
) -> None:
    theme = config["theme"][name]
    assert (
        theme["primaryColor"],
        theme["backgroundColor"],
        theme["secondaryBackgroundColor"],
        theme["textColor"],
        theme["borderColor"],
        theme["blueColor"],
        theme["blueTextColor"],
        theme["orangeColor"],
        theme["orangeTextColor"],
        theme["yellowBackgroundColor"],
        theme["grayBackgroundColor"],
        theme["grayTextColor"],
        theme["greenColor"],
        theme["redColor"],
        tuple(theme["chartCategoricalColors"]),
        tuple(theme["chartSequentialColors"]),
    ) == (
        palette.primary,
        palette.background,
        palette.surface,
        palette.text,
        palette.border,
        palette.semantic,
        palette.semantic_text,
        palette.keyword,
        palette.keyword_text,
        palette.mark,
        palette.track,
        palette.muted,
        palette.good,
        palette.bad,
        palette.series,
        palette.scale,
    )


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(front: str, back: str, opacity: float) -> str:
    channels = (
        round(int(front[i : i + 2], 16) * opacity + int(back[i : i + 2], 16) * (1 - opacity))
        for i in (1, 3, 5)
    )
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def test_contrast_is_worked_out_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_a_contrast_of_at_least_four_and_a_half(palette: Palette) -> None:
    colours = ("text", "muted", "primary", "semantic_text", "keyword_text")
    for back in (palette.background, palette.surface, palette.track):
        for name in colours:
            assert contrast(getattr(palette, name), back) >= 4.5, (name, back)
        # Streamlit draws captions in the text's colour at 60 %.
        assert contrast(mixed(palette.text, back, 0.6), back) >= 4.5, ("caption", back)
    assert contrast(palette.text, palette.mark) >= 4.5
    # Streamlit draws the chosen segment in the primary colour on 10 % of it.
    chosen = mixed(palette.primary, palette.background, 0.1)
    assert contrast(palette.primary, chosen) >= 4.5


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_bars_stand_out_from_what_is_behind_them(palette: Palette) -> None:
    for colour in (palette.semantic, palette.keyword, palette.primary):
        assert contrast(colour, palette.track) >= 3


def test_the_first_two_series_are_the_semantic_and_the_keyword_list() -> None:
    for palette in (LIGHT, DARK):
        assert palette.series[:2] == (palette.semantic, palette.keyword)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    ("palette", "without"), [(LIGHT, "#c9d1d9"), (DARK, "#3a4551")], ids=["light", "dark"]
)
def test_series_are_told_apart_by_every_reader(palette: Palette, without: str, vision: str) -> None:
    """Also from the ground, and from points of the map that have no value."""
    distance, *pair = nearest([*palette.series, palette.background, without], vision)
    assert distance >= 0.075, pair


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_series_stand_out_from_the_ground(palette: Palette) -> None:
    for colour in palette.series:
        assert contrast(colour, palette.background) >= 2.9, colour


def test_what_the_app_is_shipped_with_is_closed_to_the_outside(config: dict[str, Any]) -> None:
    assert config["server"]["address"] == "127.0.0.1"
    assert config["server"]["maxUploadSize"] == 2048
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "none"
    assert config["client"]["showErrorLinks"] is False
    assert "http" not in CONFIG.read_text("utf-8").lower()


def test_streamlit_knows_every_option(config: dict[str, Any]) -> None:
    from streamlit import config as options

    known = set(options.get_config_options())

    def names(table: dict[str, Any], prefix: str) -> list[str]:
        return [
            name
            for key, value in table.items()
            for name in (
                names(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}"]
            )
        ]

    assert set(names(config, "")) <= known
