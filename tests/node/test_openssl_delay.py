"""A node without HTTP runs without OpenSSL, and whoever needs `ssl` gets it."""

import subprocess
import sys

START = "from node.openssl_delay import delay_openssl; delay_openssl(); import sys, trio, hashlib\n"


def run(code: str) -> str:
    """Run code in a process of its own, after the delay and with trio imported."""
    done = subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True, timeout=60, check=False)
    assert not done.stderr
    return done.stdout.strip()


def test_delay_keeps_openssl_out_of_a_node() -> None:
    """Trio and the whole agent without HTTP are imported, and neither ssl's nor hashlib's OpenSSL part is."""
    code = "import node.agent.run, node.open; print('_ssl' in sys.modules, '_hashlib' in sys.modules)"
    assert run(code) == "False False"


def test_delay_ends_at_the_first_use_of_ssl() -> None:
    """What Trio holds as `ssl` and what a later import gives are the real thing."""
    code = (
        "import trio._ssl; held = trio._ssl._stdlib_ssl; context = held.create_default_context(); import ssl\n"
        "print(isinstance(context, ssl.SSLContext), held.SSLError is ssl.SSLError, '_ssl' in sys.modules)"
    )
    assert run(code) == "True True True"


def test_delay_leaves_every_hash_there() -> None:
    """Python's own implementations serve all algorithms that every Python has."""
    code = (
        "print(all(hashlib.new(name) for name in hashlib.algorithms_guaranteed), hashlib.blake2b(b'x').hexdigest()[:8])"
    )
    assert run(code).startswith("True ")
