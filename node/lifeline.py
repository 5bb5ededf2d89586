"""End this process when the one that started it ends, however that ends.

`shoal up` starts its nodes with SHOAL_DIE_WITH_PARENT set to its own process id, so that no node is left
behind even when it is killed itself. Linux sends the signal (prctl, PR_SET_PDEATHSIG); elsewhere a thread
waits for the parent's end in kqueue.
"""

import os
import signal
import sys
from collections.abc import MutableMapping

VARIABLE = "SHOAL_DIE_WITH_PARENT"
PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>."""


def hold(environ: MutableMapping[str, str] = os.environ) -> None:
    """Tie this process to the parent named in the environment, if one is; take the variable out.

    The signal is SIGKILL, which also ends a process that is stopped; a killed node loses nothing that was
    promised.
    """
    parent_id = environ.pop(VARIABLE, "")
    if not parent_id.isdecimal():
        return
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        _watch(int(parent_id))
    if os.getppid() != int(parent_id):  # it ended before the line above
        os._exit(1)


if sys.platform != "linux":

    def _watch(parent_id: int) -> None:
        import select
        import threading

        queue = select.kqueue()
        event = select.kevent(
            parent_id, select.KQ_FILTER_PROC, select.KQ_EV_ADD | select.KQ_EV_ONESHOT, select.KQ_NOTE_EXIT
        )
        try:
            queue.control([event], 0)
        except ProcessLookupError:
            os._exit(1)

        def wait() -> None:
            queue.control(None, 1)
            os._exit(1)

        threading.Thread(target=wait, name="lifeline", daemon=True).start()
