"""What is answered otherwise than by a Consul stands in README.md, and is so; and no call of a client is forgotten."""

import re
from pathlib import Path

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from tests.api.asker import ask_consul, make_consul_app
from tests.api.fake_view import FakeView
from tests.clients.client_process import CLIENTS

README = (Path(__file__).parents[3] / "README.md").read_text()
ROWS = re.findall(r"^\| `(GET|PUT) (/v1/[^`]+)` \| (\d{3}) \| (.+) \|$", README, re.MULTILINE)
EMPTY = [path for _, path, _, why in ROWS if why.startswith("`[]`")]

SERVED_PARTS = ("agent", "catalog", "health", "status")
"""The parts of the API that are served; README names the others in its last row."""
SOURCES = {
    "py-consul": ("py-consul", "consul/api/{part}.py", r"[\"'](/v1/{part}/[^\"'?]*)[\"']"),
    "python-consul": ("python-consul", "consul/base.py", r"[\"'](/v1/{part}/[^\"'?]*)[\"']"),
    "python-consul2": ("python-consul2", "consul/base.py", r"[\"'](/v1/{part}/[^\"'?]*)[\"']"),
    "npm-consul": ("npm-consul/node_modules/consul/lib", "**/*.js", r"path: \"(/{part}/[^\"]*)\""),
}
"""By client: its folder, the files in it, and how a path stands there."""


@pytest.mark.parametrize(("method", "path", "status", "why"), ROWS, ids=lambda value: value[:40])
async def test_difference_of_the_readme_is_so(method: str, path: str, status: str, why: str) -> None:
    """Each row's call is answered with its status, and there is a reason."""
    body = {"Name": "web", "Kind": "connect-proxy", "Locality": {"Region": "r"}} if path.endswith("register") else None
    answer = await ask_consul(FakeView(), method, path, body)
    assert answer.status == int(status)
    if path in EMPTY:
        assert answer.json == []
        assert int(answer.headers["x-consul-index"]) > 0
    assert why


def test_readme_has_the_differences() -> None:
    """The table is found at all."""
    assert len(ROWS) > 15
    assert len(EMPTY) == 4


@pytest.mark.parametrize("verb", ["register", "deregister"])
async def test_catalog_is_not_written(verb: str) -> None:
    """400 and one sentence: why, and what to use instead; nothing is changed."""
    view = FakeView()
    body = {"Node": "n2", "Address": "10.0.0.2", "Service": {"Service": "web"}}
    answer = await ask_consul(view, "PUT", f"/v1/catalog/{verb}", body)
    assert (answer.status, view.calls) == (400, [])
    assert "each node signs what the catalog says of it" in answer.text
    assert f"PUT /v1/agent/service/{verb}" in answer.text
    assert "\n" not in answer.text
    assert (await ask_consul(view, "PUT", f"/v1/catalog/{verb}", b"no JSON")).status == 400
    assert (await ask_consul(view, "GET", f"/v1/catalog/{verb}")).status == 405


@pytest.mark.parametrize("name", SOURCES)
def test_every_call_of_a_client_is_served_or_listed(name: str) -> None:
    """Each path in a client's source has a route, or its own row in README."""
    folder, files, pattern = SOURCES[name]
    if not (CLIENTS / folder).is_dir():
        pytest.skip(f"{name} is not installed: `make clients` does it")
    listed = [re.sub(r"/(web|nobody|default)\Z", "", path.partition("?")[0]) for _, path, _, _ in ROWS]
    found = set()
    for part in SERVED_PARTS:
        for file in (CLIENTS / folder).glob(files.format(part=part)):
            found |= {path if path.startswith("/v1") else f"/v1{path}" for path in re.findall(
                pattern.format(part=part), file.read_text())}  # fmt: skip
    assert len(found) > 20
    urls = make_consul_app(FakeView()).url_map.bind("")
    for path in sorted(found):
        asked = re.sub(r"\{[^}]*\}|%s", "x", path)
        if not any(_is_served(urls, asked, method) for method in ("GET", "PUT")):
            assert re.sub(r"/(x)?\Z", "", asked) in listed, path


def _is_served(urls: MapAdapter, path: str, method: str) -> bool:
    try:
        urls.match(path, method)
    except HTTPException:
        return False
    return True
