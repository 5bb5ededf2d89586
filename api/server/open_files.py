"""How many connections the process may have open: each is an open file, and systems bound those."""

import resource
from typing import Final

FILES_ELSEWHERE: Final = 768
"""Open besides the connections of one listener: those of another, streams between members, checks, the store."""


def connection_room(wanted: int, given: int) -> int:
    """Tell how many connections a listener may hold: `wanted`, or fewer where the system does not allow so many.

    Up to `given` there is room under every usual limit. Beyond it this process's own limit is raised, as far as the
    system lets it, and what that leaves counts.
    """
    if wanted <= given:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + FILES_ELSEWHERE
    if soft != resource.RLIM_INFINITY and soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
        except (OSError, ValueError):  # macOS has a further limit of its own
            pass
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(min(wanted, soft - FILES_ELSEWHERE), given // 2)
