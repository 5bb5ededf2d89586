"""A small disk of its own, to be filled and emptied. Needs root and mount."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

CHUNK_SIZES = (65_536, 4_096, 1)
"""Down to the last byte: SQLite asks for a page at a time."""
FILLER = "filler"


class Disk:
    """A tmpfs mounted at a directory; `take_down` unmounts it."""

    def __init__(self, path: Path, size_kib: int) -> None:
        """Mount it.

        Raises:
            OSError: the kernel or mount refuses.
        """
        self.path = path
        path.mkdir(mode=0o700, parents=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={size_kib}k,mode=0700", "tmpfs", str(path))

    def fill(self) -> int:
        """Write until not one more byte fits; how many bytes fitted."""
        written = 0
        with (self.path / FILLER).open("ab", buffering=0) as filler:
            for size in CHUNK_SIZES:
                with suppress(OSError):  # full, which is the end of each round
                    while True:
                        written += filler.write(bytes(size))
        return written

    def free(self) -> None:
        """Give the space back."""
        (self.path / FILLER).unlink(missing_ok=True)

    def take_down(self) -> None:
        """Unmount it, at once even where a process still has a file open."""
        subprocess.run(["umount", "-l", str(self.path)], check=False, capture_output=True)


def why_not(directory: Path) -> str:
    """Say why no disk can be mounted here; empty if one can. Leaves nothing in `directory`."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "a disk of its own needs root"
    if shutil.which("mount") is None or shutil.which("umount") is None:
        return "mount is not installed"
    try:
        disk = Disk(directory / "probe", 64)
    except OSError as wrong:
        return f"the kernel mounts no tmpfs here: {wrong}"
    else:
        disk.take_down()
    finally:
        with suppress(OSError):
            (directory / "probe").rmdir()
    return ""


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()[:200]}")
