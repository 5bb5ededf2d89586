"""What can be wrong with bytes from outside, and with what a user asked for."""


class MalformedMessage(Exception):
    """Bytes from outside are not a message of this protocol.

    The only exception a decoder of outside bytes raises; nothing was changed. The text says what was
    found and what was allowed ("63 tags, at most 32").
    """


class BadSignature(Exception):
    """A statement is well formed, but its author did not sign it.

    Raised by `protocol.security.verifier`. Members relay only what they verified, so whoever sent it
    inside an authenticated packet is at fault.
    """


class InvalidRequest(ValueError):
    """A local user or program asked for something that is not possible; nothing was changed."""
