"""Start without OpenSSL: 4.7 MiB of each process that a node which speaks no TLS has no use for.

Trio imports `ssl` for its TLS streams, and `hashlib` loads OpenSSL's hashes although Python brings its own;
both are for the node only names, as it hashes with BLAKE2 and seals with libsodium. Whoever does use `ssl`
(HTTPS) gets the real one at the first use.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Delayed(ModuleType):
    """Stands for `ssl` until somebody asks it for something."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import machinery's own looks
            raise AttributeError(name)
        if sys.modules.get("ssl") is self:
            del sys.modules["ssl"]
        real = import_module("ssl")
        vars(self).update(vars(real))
        return getattr(real, name)


def delay_openssl() -> None:
    """Put OpenSSL off; to be called before trio or hashlib is imported, and without effect afterwards."""
    if "ssl" in sys.modules or "hashlib" in sys.modules:
        return
    sys.modules["_hashlib"] = None  # type: ignore[assignment]  # how Python writes "not to be imported"
    try:
        import_module("hashlib")
        import_module("hmac")  # asks for it, too, and Trio's DTLS asks for hmac
    finally:
        del sys.modules["_hashlib"]
    sys.modules["ssl"] = _Delayed("ssl")
