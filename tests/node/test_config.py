"""What a Config takes, what it refuses in words, and what it shows."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node import config as config_module
from node.config import REDACTED, Config, default_data_dir, default_name
from node.setting_value import ConfigError
from protocol.address import Address


def test_config_reads_text_and_typed_values_alike(tmp_path: Path) -> None:
    """A program may give addresses and paths as text or as values."""
    as_text = Config.lan(name="n1", bind="10.0.0.1:7000", data_dir=str(tmp_path), join=["a.example"], http="off")
    as_values = Config.lan(
        name="n1", bind=Address("10.0.0.1", 7000), data_dir=tmp_path, join=("a.example",), http="OFF"
    )
    assert as_text == as_values
    assert (as_text.bind, as_text.http, as_text.join) == (Address("10.0.0.1", 7000), None, ("a.example",))


@pytest.mark.parametrize("profile", ["lan", "wan", "local"])
def test_config_profile_reaches_the_engine(profile: str, tmp_path: Path) -> None:
    """Each profile's class method gives the engine that profile, with the switches of the config."""
    config = getattr(Config, profile)(data_dir=tmp_path, buddy=False, reap_after="2h")
    settings = config.engine_settings(license_id="L")
    assert (settings.profile, settings.buddy, settings.lha_probe) == (profile, False, True)
    assert (settings.reap_after_s, settings.license_id) == (7200.0, "L")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"nmae": "x"}, "Config.lan: unknown setting 'nmae'; did you mean 'name'?"),
        ({"qqqqqqqqqq": "x"}, "Config.lan: unknown setting 'qqqqqqqqqq'"),
        ({"name": "n 1"}, "Config.lan: name: 'n 1' is no member name"),
        ({"name": 7}, "Config.lan: name: 7 is not 1 to 64 letters"),
        ({"bind": "example.org:1"}, "Config.lan: bind: 'example.org:1' is not an IP address with a port"),
        ({"bind": "127.0.0.1:70000"}, "bind: '70000' is no port"),
        ({"http": ["127.0.0.1:1"]}, "http: ['127.0.0.1:1'] is not an IP address with a port"),
        ({"acl": "yes"}, "acl: 'yes' is not true or false"),
        ({"acl": 1}, "acl: 1 is not true or false"),
        ({"join": "a:1"}, "join: 'a:1' is not host:port"),
        ({"join": ["a:0"]}, "join: 'a:0' has port 0"),
        ({"join": ["a b"]}, "join: 'a b' is not host:port"),
        ({"join": [f"h{n}" for n in range(65)]}, "join: 65 seeds, at most 64"),
        ({"tags": {"region": "eu"}}, "tags: tag 'region' is the node's own: set it with --region"),
        ({"tags": {f"k{n}": "v" for n in range(31)}}, "tags: 31 tags, at most 30"),
        ({"tags": {"k": 1}}, "tags: {'k': 1} is not key=value"),
        ({"tags": {"": "v"}}, "tags: tag keys are empty"),
        ({"region": "eu.west"}, "region: 'eu.west' is not 1 to 64 letters"),
        ({"display_name": "x" * 129}, "display_name: display name is not text of at most 128"),
        ({"profile": "lam"}, "profile: 'lam' is not lan, wan or local"),
        ({"log_level": "loud"}, "log_level: 'loud' is not debug, info, warning or error"),
        ({"reap_after": "1 day"}, "reap_after: '1 day' is not a time"),
        ({"reap_after": 0.5}, "reap_after: 0.5 is not between 1s and 366d"),
        ({"reap_after": float("nan")}, "reap_after: nan is not between"),
        ({"data_dir": ""}, "data_dir: '' is not a path"),
        ({"http_allowed_hosts": ["http://x"]}, "http_allowed_hosts: 'http://x' is no host name"),
        ({"http_tls_cert": "c.pem"}, "http_tls_cert and http_tls_key go together"),
    ],
)
def test_config_wrong_value_is_one_sentence(values: dict[str, Any], sentence: str) -> None:
    """The sentence names the source, the setting, what was found and what is allowed."""
    with pytest.raises(ConfigError, match=re.escape(sentence)) as refused:
        Config.lan(**({"data_dir": "d"} | values))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_config_replace_checks_like_a_new_one(tmp_path: Path) -> None:
    """A copy with other settings goes through the same checks; the original stays."""
    config = Config.lan(data_dir=tmp_path, tags={"a": "1"})
    assert config.replace(tags={"b": "2"}).record_tags() == {"b": "2", "region": "global", "dc": "dc1"}
    with pytest.raises(ConfigError):
        config.replace(log_level=3)
    assert config.record_tags() == {"a": "1", "region": "global", "dc": "dc1"}


def test_config_tags_cannot_be_changed_from_outside(tmp_path: Path) -> None:
    """Neither the dict that was given nor the attribute is a way into the config."""
    given = {"a": "1"}
    config = Config.lan(data_dir=tmp_path, tags=given)
    given["b"] = "2"
    assert dict(config.tags) == {"a": "1"}
    with pytest.raises(TypeError):
        config.tags["c"] = "3"  # type: ignore[index]


def test_config_public_view_redacts_and_is_json(tmp_path: Path) -> None:
    """Everything is shown as JSON, except where secrets are kept."""
    config = Config.lan(data_dir=tmp_path, key_file="/keys/cluster.key", consul_http="127.0.0.1:8500", tags={"a": "1"})
    view = msgspec.json.decode(msgspec.json.encode(config.public_view()))
    assert "cluster.key" not in str(view)
    assert view["key_file"] == REDACTED
    assert view["license"] is None
    assert (view["consul_http"], view["bind"], view["tags"]) == ("127.0.0.1:8500", "0.0.0.0:7946", {"a": "1"})


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("web-1.example.org", "web-1.example.org"),
        ("Jörg's Mac.local", "J-rg-s-Mac.local"),
        ("-_-", "node"),
        ("", "node"),
        ("x" * 90, "x" * 64),
    ],
)
def test_config_default_name_is_the_host_name_made_valid(host: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the host is called, the default is a member name."""
    monkeypatch.setattr(config_module, "_host_name", lambda: host)
    assert default_name() == name


def test_config_default_data_dir_follows_xdg() -> None:
    """XDG_DATA_HOME counts when it is absolute, HOME else."""
    assert default_data_dir({"XDG_DATA_HOME": "/d", "HOME": "/h"}) == Path("/d/shoal")
    assert default_data_dir({"XDG_DATA_HOME": "d", "HOME": "/h"}) == Path("/h/.local/share/shoal")
    assert default_data_dir({"HOME": "/h"}) == Path("/h/.local/share/shoal")
