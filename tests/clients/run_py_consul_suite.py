"""Run py-consul's own tests of agent, health and status against agents of ours, and list what does not pass.

    make clients
    .venv/bin/python -m tests.clients.run_py_consul_suite [FILE...]

The tests are those of its source package. Port 8500 must be free. Exits 0 if each test passed or is among those that
cannot, each with its reason below; 1 else.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from tests.clients.client_process import CLIENTS, HERE

FILES = ("test_agent", "test_health", "test_status")
CANNOT_PASS = {
    "test_agent_self": "wants exactly the keys of Consul 1.20, xDS among them, which is of its service mesh",
    "test_agent_service_register_kind_proxy_locality": "Kind, Proxy and Locality are of the service mesh",
    "test_agent_service_connect": "a sidecar proxy is of the service mesh",
    "test_agent_force_leave_prune": "force-leave of an unknown node is 200 here, as in Consul 0.7",
    "test_agent_leave": "what ends an agent takes an admin's token here, without access control lists too",
    "test_agent_token_set": "an agent here asks nobody, so it has no tokens of its own to be set",
}
"""By test, why not."""
SUITE_TIMEOUT_S = 540.0


def run_suite(files: Sequence[str], directory: Path) -> dict[str, str]:
    """Run the tests of some files; by name why it failed, empty for those that passed."""
    source = CLIENTS / "py-consul-tests" / "tests"
    if not source.is_dir() or not (CLIENTS / "py-consul").is_dir():
        raise SystemExit("py-consul and its tests are not installed: `make clients` does it")
    shutil.copytree(source, directory / "tests", ignore=shutil.ignore_patterns("conftest.py", "__pycache__"))
    shutil.copy(HERE / "suite_conftest.py", directory / "conftest.py")
    (directory / "pytest.ini").write_text("[pytest]\n")
    report = directory / "report.xml"
    paths = [f"tests/api/{file}.py" for file in files]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("SHOAL_")}
    environ |= {"PYTHONPATH": f"{CLIENTS / 'py-consul'}:{directory}", "ROOT_OF_SHOAL": str(HERE.parents[1])}
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *paths],
        cwd=directory, env=environ, timeout=SUITE_TIMEOUT_S, check=False,
    )  # fmt: skip
    return {case.attrib["name"]: _why(case) for case in ElementTree.parse(report).iter("testcase")}


def _why(case: ElementTree.Element) -> str:
    for kind in ("failure", "error"):
        found = case.find(kind)
        if found is not None:
            return found.attrib.get("message", "")[:300] or kind
    return ""


def main() -> int:
    """Print what passed and what did not; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=FILES, metavar="FILE", help=f"default: {' '.join(FILES)}")
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as directory:
        outcome = run_suite(files, Path(directory))
    failed = {name: why for name, why in outcome.items() if why}
    sys.stdout.write(f"\n{len(outcome) - len(failed)} of {len(outcome)} passed\n")
    for name, why in failed.items():
        sys.stdout.write(f"  {name}: {CANNOT_PASS.get(name, f'UNEXPECTED: {why}')}\n")
    return 1 if set(failed) - set(CANNOT_PASS) else 0


if __name__ == "__main__":
    sys.exit(main())
