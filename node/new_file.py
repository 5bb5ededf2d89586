"""A file that did not exist before: what people are handed is never written over."""

import os
from pathlib import Path


def write_new_file(file: Path, content: str, mode: int) -> None:
    """Write text to a new file of a mode, and to the disk.

    Raises:
        OSError: the file exists (FileExistsError) or cannot be written; no half-written file is left.
    """
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        file.unlink(missing_ok=True)
        raise
