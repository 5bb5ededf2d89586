"""What every test runs under: laws without a deadline, no settings from the shell, a Ctrl-C that is heard."""

import logging
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("developer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")

NOT_FOR_TESTS = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"}


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started behind a shell's `&`, the tests ignore it, and so does all that they start, and then interrupt in vain.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _log_as_found() -> Iterator[None]:
    """Undo what a test that runs an agent did to the logger, which others read with caplog."""
    logger = logging.getLogger("shoal")
    handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


@pytest.fixture(autouse=True)
def _no_settings_from_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take SHOAL_*, the service manager's socket and wishes about colours out of the environment."""
    for name in list(os.environ):
        if name.startswith("SHOAL_") or name in NOT_FOR_TESTS:
            monkeypatch.delenv(name)
