"""The type of --filter: a filter's JSON, and never nothing by mistake."""

from __future__ import annotations

import click


class FilterText(click.ParamType[str]):
    """A text that is not blank: a variable that is not set must not stand for all rows."""

    name = "JSON"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text as it is."""
        if not value.strip():
            self.fail("the filter is empty; leave the option out to take all rows.", param, ctx)
        return value


FILTER_TEXT = FilterText()
