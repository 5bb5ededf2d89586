"""On what a figure was measured; a number without it is not worth writing down."""

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """Processor, Python and commit."""

    cpu: str
    core_count: int
    system: str
    python: str
    commit: str

    @property
    def hardware(self) -> str:
        """Say what is there whatever runs on it: processor, cores, operating system."""
        return f"{self.cpu}, {self.core_count} cores, {self.system}"

    def as_line(self) -> str:
        """Say it in one line."""
        return f"{self.hardware}; {self.python}; commit {self.commit}"

    def as_json(self) -> dict[str, object]:
        """Give it for a machine to read."""
        return asdict(self)


def this_machine() -> Machine:
    """Describe where this process runs."""
    return Machine(
        cpu=_cpu_model(),
        core_count=core_count(),
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        commit=_commit(),
    )


def core_count() -> int:
    """Tell how many processes can run at once, at least 1."""
    try:
        return len(os.sched_getaffinity(0))  # what this process may use, not what there is
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def _cpu_model() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass  # no /proc here
    return platform.processor() or platform.machine()


def _commit() -> str:
    """Name the commit, with a plus where the tree differs from it; `unknown` outside a repository."""
    root = Path(__file__).resolve().parent.parent
    try:
        name = _git(root, "rev-parse", "--short", "HEAD")
        return name + ("+" if _git(root, "status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
