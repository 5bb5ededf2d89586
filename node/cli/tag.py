"""A tag on the command line."""

import click


class TagParam(click.ParamType[tuple[str, str]]):
    """A tag as k=v; the value may be empty and have more = in it."""

    name = "k=v"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Split at the first =."""
        if isinstance(value, tuple):
            return value
        key, equals, text = str(value).partition("=")
        if not key or not equals:
            self.fail(f"{value!r} is not k=v", param, ctx)
        return key, text
