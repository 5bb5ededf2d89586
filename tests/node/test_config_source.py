"""Where settings come from, which source wins, and how each names itself when it is wrong."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from node.config import Config
from node.config_flag import config_flags
from node.config_source import CONFIG_SIZE_MAX, load_config
from node.setting import BY_KEY, SETTINGS, Kind, settings_table
from node.setting_value import ConfigError, parse_duration
from protocol.address import Address

HOME = {"HOME": "/h"}
KEY = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="


def _flags_of(arguments: list[str]) -> dict[str, Any]:
    taken: dict[str, Any] = {}

    @click.command()
    @config_flags
    def agent(**flags: Any) -> None:
        taken.update(flags)

    result = CliRunner().invoke(agent, arguments)
    assert result.exit_code == 0, result.output
    return taken


def test_source_order_is_flag_environment_file_default(tmp_path: Path) -> None:
    """Each source beats those after it, setting by setting."""
    file = tmp_path / "shoal.toml"
    file.write_text('region = "file"\ndatacenter = "file"\nname = "file"\n')
    environ = {**HOME, "SHOAL_DATACENTER": "environ", "SHOAL_NAME": "environ", "SHOAL_CONFIG": str(file)}
    config = load_config(_flags_of(["--name", "flag"]), environ)
    assert (config.name, config.datacenter, config.region, config.profile) == ("flag", "environ", "file", "lan")


def test_source_every_setting_can_come_from_each_source(tmp_path: Path) -> None:
    """A flag, a variable and a TOML key exist for each setting and give the same value."""
    text = {
        Kind.NAME: "n1", Kind.PLACE: "eu", Kind.TEXT: "Node one", Kind.FLAG: "true", Kind.BIND: "10.0.0.1:1",
        Kind.LISTENER: "127.0.0.1:2", Kind.SEEDS: "a:1", Kind.HOSTS: "h.example", Kind.PATH: "/p",
        Kind.PROFILE: "wan", Kind.LEVEL: "debug", Kind.TAGS: "k=v", Kind.DURATION: "2h",
        Kind.KEY: KEY, Kind.KEYS: KEY,
    }  # fmt: skip
    toml = {
        Kind.FLAG: "true", Kind.SEEDS: '["a:1"]', Kind.HOSTS: '["h.example"]', Kind.TAGS: '{k = "v"}',
        Kind.KEYS: f'["{KEY}"]',
    }  # fmt: skip
    arguments: list[str] = []
    for setting in SETTINGS:
        arguments += [setting.flag] if setting.kind is Kind.FLAG else [setting.flag, text[setting.kind]]
    file = tmp_path / "shoal.toml"
    file.write_text("\n".join(f"{s.key} = {toml.get(s.kind, repr(text[s.kind]))}" for s in SETTINGS))

    by_flag = load_config(_flags_of(arguments), {})
    by_environ = load_config({}, {setting.variable: text[setting.kind] for setting in SETTINGS})
    by_file = load_config({"config": str(file)}, {})

    assert by_flag == by_environ == by_file
    assert by_flag.reap_after == 7200.0
    assert (by_flag.license_issuers, by_flag.revocation_operator_key) == ((KEY,), KEY)


def test_source_no_flag_turns_off_what_the_file_turned_on(tmp_path: Path) -> None:
    """--no-acl is a value, not the absence of one."""
    file = tmp_path / "shoal.toml"
    file.write_text("acl = true\n")
    assert load_config({"config": str(file)}, HOME).acl
    assert not load_config(_flags_of(["--config", str(file), "--no-acl"]), HOME).acl


def test_source_tables_are_a_way_to_write_names(tmp_path: Path) -> None:
    """`[http] allow_open` is `http_allow_open`, dotted or in a table; the listener itself is `http.bind` there."""
    plain, tables = tmp_path / "plain.toml", tmp_path / "tables.toml"
    plain.write_text(
        "http = '127.0.0.1:1'\nhttp_allow_open = true\nhttp_tls_cert = '/c'\nhttp_tls_key = '/k'\n"
        "consul_http = '127.0.0.1:2'\nlog_level = 'debug'\nlicense = '/l'\ndata_dir = '/d'\n[tags]\nlog = 'x'\n"
    )
    tables.write_text(
        "license.file = '/l'\ndata.dir = '/d'\nlog.level = 'debug'\n[consul]\nhttp = '127.0.0.1:2'\n"
        "[http]\nbind = '127.0.0.1:1'\nallow_open = true\ntls = {cert = '/c', key = '/k'}\n"
        "[revocation]\n[tags]\nlog = 'x'\n"
    )
    assert load_config({"config": str(plain)}, HOME) == load_config({"config": str(tables)}, HOME)


def test_source_lists_are_repeated_flags_or_commas() -> None:
    """--join may be given twice; SHOAL_JOIN separates by commas, and an empty variable is none."""
    assert load_config(_flags_of(["--join", "a", "--join", "[::1]:1"]), HOME).join == ("a", "[::1]:1")
    assert load_config({}, {**HOME, "SHOAL_JOIN": "a, b:2 ,", "SHOAL_NAME": ""}).join == ("a", "b:2")
    config = load_config({}, {**HOME, "SHOAL_TAGS": "a=1,b=x=y", "SHOAL_BIND": "localhost"})
    assert (dict(config.tags), config.bind) == ({"a": "1", "b": "x=y"}, Address("127.0.0.1", 7946))


@pytest.mark.parametrize(
    ("flags", "environ", "toml", "sentence"),
    [
        ({"bind": "x"}, {}, "", "--bind: 'x' is not an IP address"),
        ({"tags": ("k",)}, {}, "", "--tag: 'k' is not key=value"),
        ({"tags": ("k=1", "k=2")}, {}, "", "--tag: tag 'k' is given twice"),
        ({}, {"SHOAL_ACL": "maybe"}, "", "SHOAL_ACL: 'maybe' is not true or false"),
        ({}, {"SHOAL_BNID": "x"}, "", "unknown variable 'SHOAL_BNID'; did you mean 'SHOAL_BIND'?"),
        ({}, {}, "bnid = 1", "in TOML: unknown setting 'bnid'; did you mean 'bind'?"),
        ({}, {}, "acl = 'yes'", "in TOML: acl: 'yes' is not true or false"),
        ({}, {}, "[http]\nbind = 'x'", "in TOML: http.bind: 'x' is not an IP address"),
        ({}, {}, "http.allow_open = 1", "in TOML: http.allow_open: 1 is not true or false"),
        ({}, {}, "[http]\nalow_open = true", "unknown setting 'http.alow_open'; did you mean 'http.allow_open'?"),
        ({}, {}, "[http]\nbnid = 'x'", "unknown setting 'http.bnid'; did you mean 'http.bind'?"),
        ({}, {}, "[http.tls]\nkye = 'x'", "unknown setting 'http.tls.kye'; did you mean 'http.tls.key'?"),
        ({}, {}, "http_acl = true", "unknown setting 'http_acl'"),
        ({}, {}, "[htpt]", "in TOML: unknown setting 'htpt'; did you mean 'http'?"),
        ({}, {}, "[name]\nfirst = 'x'", "in TOML: unknown setting 'name.first'"),
        ({}, {}, "[profile]", "in TOML: profile: {} is not lan, wan or local"),
        ({}, {}, "a.b.c.d.e.f.g = 1", "in TOML: unknown setting 'a.b.c.d'"),
        ({}, {}, "http_allow_open = true\nhttp.allow_open = false", "http_allow_open is given twice"),
        ({}, {}, "[tags]\nk = 1", "in TOML: tags: {'k': 1} is not key=value"),
        ({}, {}, "name = ", "in TOML: not TOML: "),
        ({}, {}, "name = 'x'\nname = 'y'", "in TOML: not TOML: "),
        ({"config": "/nowhere/x.toml"}, {}, "", "the config file /nowhere/x.toml cannot be read: No such file"),
        ({}, {"SHOAL_CONFIG": "/"}, "", "the config file / cannot be read: Is a directory"),
    ],
)
def test_source_wrong_setting_names_its_source(
    flags: dict[str, Any], environ: dict[str, str], toml: str, sentence: str, tmp_path: Path
) -> None:
    """The sentence begins with the flag, the variable or the file."""
    file = tmp_path / "shoal.toml"
    if toml:
        file.write_text(toml)
        flags = {**flags, "config": str(file)}
    with pytest.raises(ConfigError, match=re.escape(sentence.replace("TOML:", f"{file}:", 1) if toml else sentence)):
        load_config(flags, {**HOME, **environ})


@pytest.mark.parametrize(
    "raw",
    [
        b"name = '\xff'",
        b"#" * (CONFIG_SIZE_MAX + 1),
        b"a = " + b"[" * 100_000,
        b"a." * 2_000 + b"b = 1",
        b"tags." + b"a." * 2_000 + b"b = 1",
    ],
)
def test_source_file_of_garbage_is_refused(raw: bytes, tmp_path: Path) -> None:
    """Not UTF-8, too large, or nested without end: a sentence, not an exception of the parser."""
    file = tmp_path / "shoal.toml"
    file.write_bytes(raw)
    with pytest.raises(ConfigError, match=r"shoal\.toml"):
        load_config({"config": str(file)}, HOME)


def test_source_variables_of_others_are_left_alone() -> None:
    """The client's own variables, and those Kubernetes sets for a service named shoal, are no settings."""
    others = {"SHOAL_TOKEN": "t", "SHOAL_HTTP_ADDR": "u", "SHOAL_PORT_7946_TCP": "tcp://x", "SHOAL_SERVICE_HOST": "x"}
    assert load_config({}, {**HOME, **others}).data_dir == Path("/h/.local/share/shoal")


def test_settings_are_the_fields_of_config() -> None:
    """The table and the dataclass name the same settings; flags and variables are unique."""
    assert sorted(BY_KEY) == sorted(field.name for field in dataclasses.fields(Config))
    assert (
        len({setting.flag for setting in SETTINGS}) == len({setting.variable for setting in SETTINGS}) == len(SETTINGS)
    )


def test_settings_table_has_a_row_for_each_and_true_defaults() -> None:
    """The README's table shows every setting; what it calls a default is what Config has."""
    table = settings_table()
    assert table.count("\n") == len(SETTINGS) + 3
    config = Config(data_dir=Path("d"))
    shown = {"true": True, "false": False, "off": None, "24h": 86_400.0}
    for setting in SETTINGS:
        assert f"`{setting.variable}`" in table
        if setting.default in shown:
            assert getattr(config, setting.key) == shown[setting.default]
        elif " " not in setting.default and setting.default != "none":
            assert str(getattr(config, setting.key)) == setting.default


@given(st.integers(0, 1000), st.integers(0, 59), st.integers(0, 59))
def test_duration_reads_what_it_is_written_as(hours: int, minutes: int, seconds: int) -> None:
    """Hours, minutes and seconds add up."""
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@given(st.text(max_size=20))
def test_duration_of_any_text_is_a_number_or_refused(text: str) -> None:
    """No text does more than be refused."""
    try:
        assert parse_duration(text) >= 0
    except ValueError as wrong:
        assert "is not a time" in str(wrong)
