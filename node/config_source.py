"""Where settings come from, in order: flag, SHOAL_* variable, TOML file, default."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from node.config import Config
from node.setting import BY_KEY, CONFIG_VARIABLE, MANY, SETTINGS, Kind
from node.setting_value import ConfigError, read_text, read_value
from node.spelling import unknown_sentence

CONFIG_SIZE_MAX = 256 * 1024
"""A config file has some thirty lines; what is larger is another file."""
PREFIX = "SHOAL_"
OTHER_VARIABLES = frozenset({CONFIG_VARIABLE, "SHOAL_HTTP_ADDR", "SHOAL_TOKEN", "SHOAL_DIE_WITH_PARENT"})
"""SHOAL_* that are not settings of a node: of commands that speak to one, and of `shoal up`."""
TABLE_DEPTH_MAX = 4
"""No setting has more words; TOML's dotted names could go as deep as the file is long."""
_TABLES = frozenset(setting.key for setting in SETTINGS if setting.kind is Kind.TAGS)
"""Settings whose value is a table."""
_OWN_NAMES = {Kind.LISTENER: "bind", Kind.PATH: "file"}
"""`http` and `[http]` cannot stand in one file, so in the table the listener is `bind`; and a file is `file`."""
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
        return _read_tables(tomllib.loads(raw.decode()), f"in {file}")
    except UnicodeDecodeError:
        raise ConfigError(f"in {file}: not UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as wrong:
        raise ConfigError(f"in {file}: not TOML: {wrong}") from None


def _read_tables(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Read what a file holds; `[http] allow_open` is `http_allow_open`, for tables are only a way to write names."""
    read: dict[str, Any] = {}
    for path, value in _leaves(values):
        shown = ".".join(path)
        key = _key_of(path)
        if key not in BY_KEY:
            raise ConfigError(f"{where}: {unknown_sentence('setting', shown, _known_names(path[:-1]))}")
        if key in read:
            raise ConfigError(f"{where}: {key} is given twice, once as {shown}")
        read[key] = read_value(BY_KEY[key], value, f"{where}: {shown}")
    return read


def _leaves(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give the values with the names of the tables they stand in; a table of tags is one value."""
    for name, value in values.items():
        below = (*path, name)
        joined = "_".join(below)
        is_value = not isinstance(value, dict) or len(below) == TABLE_DEPTH_MAX or joined in _TABLES
        if not is_value and (value or any(key.startswith(joined + "_") for key in BY_KEY)):
            yield from _leaves(value, below)
        else:
            yield below, value


def _key_of(path: tuple[str, ...]) -> str:
    """Give the setting that a value in tables stands for; a table's own setting has a name in it, `http.bind`."""
    own = "_".join(path[:-1])
    if own in BY_KEY and _OWN_NAMES.get(BY_KEY[own].kind) == path[-1]:
        return own
    return "_".join(path)


def _known_names(tables: tuple[str, ...]) -> list[str]:
    """Give every name that a value in some tables could have had, as it would be written."""
    if not tables:
        return list(BY_KEY)
    head, shown = "_".join(tables), ".".join(tables)
    inside = [f"{shown}.{key.removeprefix(head + '_')}" for key in BY_KEY if key.startswith(head + "_")]
    own = _OWN_NAMES.get(BY_KEY[head].kind) if head in BY_KEY else None
    return [*BY_KEY, *inside, *([f"{shown}.{own}"] if own else [])]


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
