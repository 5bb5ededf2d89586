"""Where settings come from, in order: flag, SHOAL_* variable, TOML file, default."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from node.config import Config, read_values
from node.setting import BY_KEY, CONFIG_VARIABLE, MANY, SETTINGS
from node.setting_value import ConfigError, read_text
from node.spelling import unknown_sentence

CONFIG_SIZE_MAX = 256 * 1024
"""A config file has some thirty lines; what is larger is another file."""
PREFIX = "SHOAL_"
OTHER_VARIABLES = frozenset({CONFIG_VARIABLE, "SHOAL_HTTP_ADDR", "SHOAL_TOKEN", "SHOAL_DIE_WITH_PARENT"})
"""SHOAL_* that are not settings of a node: of commands that speak to one, and of `shoal up`."""
FOREIGN_PREFIXES = ("SHOAL_PORT", "SHOAL_SERVICE_")
"""Kubernetes sets such variables in every container beside a service named "shoal"."""


def load_config(flags: Mapping[str, Any], environ: Mapping[str, str]) -> Config:
    """Put the settings of a node together; nothing but the config file is opened.

    Args:
        flags: by setting, as `node.config_flag` hands them over: text, a tuple of texts, or a bool; None or an
            empty tuple: not given. The key `config` is the TOML file.
        environ: the environment. An empty variable counts as not given.

    Raises:
        ConfigError: unknown settings, wrong values, or a file that cannot be read; one sentence that begins
            with the source.
    """
    from_flags = _read_flags({key: value for key, value in flags.items() if key != "config"})
    from_environ = _read_environ(environ)
    file = flags.get("config") or environ.get(CONFIG_VARIABLE)
    from_file = read_file(Path(file).expanduser()) if file else {}
    return Config.from_read({**from_file, **from_environ, **from_flags}, environ)


def read_file(file: Path) -> dict[str, Any]:
    """Read settings from a TOML file.

    Raises:
        ConfigError: it cannot be read, is no TOML, or has unknown or wrong settings.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(CONFIG_SIZE_MAX + 1)
    except OSError as error:
        raise ConfigError(f"the config file {file} cannot be read: {error.strerror}") from None
    if len(raw) > CONFIG_SIZE_MAX:
        raise ConfigError(f"the config file {file} is larger than {CONFIG_SIZE_MAX} bytes")
    import tomllib  # only a node with a file pays for it

    try:
        values = tomllib.loads(raw.decode())
    except UnicodeDecodeError:
        raise ConfigError(f"in {file}: not UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as wrong:
        raise ConfigError(f"in {file}: not TOML: {wrong}") from None
    return read_values(values, f"in {file}")


def _read_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for key, value in flags.items():
        setting = BY_KEY.get(key)
        if setting is None:
            raise ConfigError(unknown_sentence("flag", key, BY_KEY))
        if value is None or value == ():
            continue
        if isinstance(value, bool):
            read[key] = value
        else:
            read[key] = read_text(setting, value if isinstance(value, tuple) else (str(value),), setting.flag)
    return read


def _read_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    known = {setting.variable: setting for setting in SETTINGS}
    read: dict[str, Any] = {}
    for variable, text in environ.items():
        setting = known.get(variable)
        if setting is None:
            _refuse_unknown(variable, known.keys() | OTHER_VARIABLES)
        elif text:
            parts = tuple(part.strip() for part in text.split(",") if part.strip()) if setting.kind in MANY else (text,)
            read[setting.key] = read_text(setting, parts, variable)
    return read


def _refuse_unknown(variable: str, known: frozenset[str] | set[str]) -> None:
    ours = variable.startswith(PREFIX) and not variable.startswith(FOREIGN_PREFIXES)
    if ours and variable not in OTHER_VARIABLES:
        raise ConfigError(unknown_sentence("variable", variable, known))
