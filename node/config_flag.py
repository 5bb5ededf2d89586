"""The options of `shoal agent`, made from the table of settings."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from node.setting import CONFIG_VARIABLE, MANY, SETTINGS, Kind, Setting, metavar

Command = TypeVar("Command", bound=Callable[..., Any])


def config_flags(command: Command) -> Command:
    """Add --config and one option per setting to a click command.

    The command receives them by setting's key, and `config`: exactly what `load_config` takes. Values are
    not converted here, and nothing is read from the environment, so that all sources are read in one place.
    """
    for setting in reversed(SETTINGS):
        command = _option(setting)(command)
    return click.option("--config", metavar="FILE", help=f"TOML file with settings. [env: {CONFIG_VARIABLE}]")(command)


def _option(setting: Setting) -> Callable[[Command], Command]:
    described = f"{setting.meaning} [default: {setting.default}; env: {setting.variable}]"
    if setting.kind is Kind.FLAG:
        off = "--no-" + setting.flag.removeprefix("--")
        return click.option(f"{setting.flag}/{off}", setting.key, default=None, help=described)
    return click.option(
        setting.flag,
        setting.key,
        metavar=metavar(setting),
        multiple=setting.kind in MANY,
        default=None,
        help=described,
    )
