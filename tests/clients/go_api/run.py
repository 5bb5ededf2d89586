"""Run HashiCorp's tests of its Go client for Consul against agents of ours, and hold the outcome to what is known.

    make go-api
    .venv/bin/python -m tests.clients.go_api.run [--consul PROGRAM] [--workers COUNT] [NAME...]

They are the tests of agent, catalog, coordinates, health, maintenance and status of package api, and all of package
api/watch.
Needs Go and Debian's golang-github-hashicorp-consul-dev with golang-github-mitchellh-go-testing-interface-dev (Consul
1.8.7, in Debian 11). Each test starts its own agents, in a process of its own: one that panics ends no other.
--consul runs them against that program instead, a real Consul say. Exits 0 if exactly the tests that not_passing.toml
names do not pass, or Go or the sources are not here; 1 else.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.clients.client_process import CLIENTS
from tests.clients.go_api.consul_command import KEY_FILE

ROOT: Final = Path(__file__).resolve().parents[3]
GO_PATH: Final = Path("/usr/share/gocode")
"""Where Debian puts the sources of Go libraries."""
SOURCES: Final = GO_PATH / "src/github.com/hashicorp/consul"
PACKAGES: Final = {
    "api": "^TestAPI_(Agent|Catalog|Coordinate|Health|NodeMaint|ServiceMaint|Status)",
    "api/watch": "^Test",
}
"""By package, which of its tests are about what an agent here has a part of."""
NOT_PASSING: Final = Path(__file__).with_name("not_passing.toml")
COMPILE_TIMEOUT_S: Final = 540.0
TEST_TIMEOUT_S: Final = 60.0
"""The longest that passes takes 15 s; a watch whose route is not there would wait for ever."""
PATIENCE: Final = {
    "retry.TwoSeconds()": "&retry.Timer{Timeout: 20 * time.Second, Wait: 50 * time.Millisecond}",
    "\t\tfailed = false\n": "\t\treturn nil\n",
}
"""Their test server always waits 2 s until its agent answers. Four agents that start at a time on two cores, or one on
a machine with other work, take longer: it waits until the first answer, and at most 20 s."""
LINES_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test."""

    name: str
    passed: bool
    output: str

    def complaint(self) -> str:
        """Return what the test itself wrote: the lines that name a Go file's line, without the configuration."""
        lines = self.output.splitlines()
        found = [line.strip() for line in lines if re.search(r"_test\.go:\d+|panic:|Error:|expected|actual", line)]
        return "\n".join(line[:200] for line in found[:LINES_SHOWN])


def missing() -> str:
    """Return what the tests need and is not here; empty where all is."""
    if shutil.which("go") is None:
        return "Go"
    testing_interface = GO_PATH / "src/github.com/mitchellh/go-testing-interface"
    return next((str(path) for path in (SOURCES / "api", testing_interface) if not path.is_dir()), "")


def compile_tests(directory: Path) -> dict[str, Path]:
    """Compile the tests, unless that was done before; by package, the program."""
    directory.mkdir(parents=True, exist_ok=True)
    programs = {package: directory / f"{package.replace('/', '-')}.test" for package in PACKAGES}
    environ = {**os.environ, "GO111MODULE": "off", "GOFLAGS": "", "GOPATH": str(GO_PATH)}
    for package, program in programs.items():
        if not program.exists():
            overlay = lay_overlay(directory)
            command = ["go", "test", "-c", "-overlay", str(overlay), "-o", str(program), f"./{package}"]
            subprocess.run(command, cwd=SOURCES, env=environ, timeout=COMPILE_TIMEOUT_S, check=True)
    return programs


def lay_overlay(directory: Path) -> Path:
    """Write their test server with our patience in it, and the file that makes the compiler read it.

    Raises:
        SystemExit: their source is not the one that this was written for.
    """
    source, patched, overlay = SOURCES / "sdk/testutil/server.go", directory / "server.go", directory / "overlay.json"
    text = source.read_text()
    for theirs, ours in PATIENCE.items():
        if text.count(theirs) != 1:
            raise SystemExit(f"{source} is of another version: {theirs!r} is not in it once")
        text = text.replace(theirs, ours)
    patched.write_text(text)
    overlay.write_text(json.dumps({"Replace": {str(source): str(patched)}}))
    return overlay


def list_tests(package: str, program: Path) -> list[str]:
    """Return the names of a package's tests that are to be run."""
    command = [str(program), "-test.list", PACKAGES[package]]
    listed = subprocess.run(command, cwd=SOURCES / package, capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if line.startswith("Test")]


def lay_command(directory: Path) -> None:
    """Write the program `consul` that runs an agent of ours, and the key file that its agents share."""
    command = directory / "consul"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.clients.go_api.consul_command "$@"\n')
    command.chmod(0o755)
    make_key = [sys.executable, "-m", "node", "keys", "new", str(directory / "cluster.key")]
    subprocess.run(make_key, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def run_test(program: Path, package: str, name: str, directory: Path) -> Outcome:
    """Run one test."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("SHOAL_")}
    environ |= {"PATH": f"{directory}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    environ |= {KEY_FILE: str(directory / "cluster.key"), "TMPDIR": str(directory)}
    command = [str(program), "-test.v", "-test.run", f"^{name}$", f"-test.timeout={TEST_TIMEOUT_S:g}s"]
    ended = subprocess.run(
        command, cwd=SOURCES / package, env=environ, capture_output=True, text=True, errors="replace", check=False
    )
    return Outcome(name, ended.returncode == 0, ended.stdout + ended.stderr)


def run_tests(programs: dict[str, Path], wanted: Sequence[str], workers: int, directory: Path) -> list[Outcome]:
    """Run the tests of some names, or all; their outcomes in the tests' order."""
    tests = [(package, name) for package, program in programs.items() for name in list_tests(package, program)]
    if unknown := set(wanted) - {name for _, name in tests}:
        raise SystemExit(f"no such test: {', '.join(sorted(unknown))}")
    chosen = [(package, name) for package, name in tests if not wanted or name in wanted]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda test: run_test(programs[test[0]], test[0], test[1], directory), chosen))


def reasons() -> dict[str, str]:
    """Return, by test, why it does not pass."""
    groups = tomllib.loads(NOT_PASSING.read_text())
    return {name: group["reason"] for group in groups.values() for name in group["tests"]}


def report(outcomes: Sequence[Outcome], known: dict[str, str]) -> int:
    """Print what passed, what did not and why; 1 if that is not what is known."""
    failed = [outcome for outcome in outcomes if not outcome.passed]
    mended = sorted({outcome.name for outcome in outcomes if outcome.passed} & set(known))
    for outcome in failed:
        why = known.get(outcome.name) or f"UNEXPECTED\n{outcome.complaint()}"
        sys.stdout.write(f"  {outcome.name}: {why}\n")
    for name in mended:
        sys.stdout.write(f"  {name}: PASSES, and {NOT_PASSING.name} names it\n")
    sys.stdout.write(f"{len(outcomes) - len(failed)} of {len(outcomes)} passed\n")
    return 1 if mended or {outcome.name for outcome in failed} - set(known) else 0


def main() -> int:
    """Run the tests and report; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a test; default: all")
    parser.add_argument("--consul", type=Path, metavar="PROGRAM", help="run them against this program")
    parser.add_argument("--workers", type=int, default=2, metavar="COUNT", help="tests at a time (default 2)")
    parser.add_argument("--logs", type=Path, metavar="DIRECTORY", help="keep what each test wrote there")
    given = parser.parse_args()
    if lacking := missing():
        sys.stdout.write(f"{lacking} is not here: the tests of Consul's Go client are left out\n")
        return 0
    programs = compile_tests(CLIENTS / "go-api")
    with tempfile.TemporaryDirectory(prefix="go-api") as name:
        directory = Path(name)
        if given.consul is None:
            lay_command(directory)
        else:
            (directory / "consul").symlink_to(given.consul.resolve())
        outcomes = run_tests(programs, given.names, given.workers, directory)
    if given.logs is not None:
        given.logs.mkdir(parents=True, exist_ok=True)
        for outcome in outcomes:
            (given.logs / f"{outcome.name}.log").write_text(outcome.output)
    return report(outcomes, {} if given.consul is not None else reasons())


if __name__ == "__main__":
    sys.exit(main())
