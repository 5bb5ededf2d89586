"""A click group whose commands are imported when they are wanted, so that help and mistakes cost nothing."""

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

import click

Table = Mapping[str, tuple[str, str]]
"""By name: where the command is ("module:attribute"), and its line in the help."""


class LazyGroup(click.Group):
    """A group that imports a command only when it is run or its own help is asked for."""

    table: ClassVar[Table] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        module, _, attribute = self.table[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.table:
            self.refuse(ctx, args[0])
        return super().resolve_command(ctx, args)

    def refuse(self, ctx: click.Context, name: str) -> None:
        """Say that there is no such command, and which is near."""
        from difflib import get_close_matches

        near = get_close_matches(name, self.table, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        ctx.fail(f"there is no command '{name}'{hint}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.table.items()])
