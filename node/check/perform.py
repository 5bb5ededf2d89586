"""One run of a check of any kind."""

import logging

from node.check.definition import CheckDefinition
from node.check.outcome import Outcome, critical
from protocol.catalog.check import CheckKind

_log = logging.getLogger("shoal.check")


async def perform(definition: CheckDefinition) -> Outcome:
    """Run a check once; whatever goes wrong is its outcome. It ends within the check's timeout, and 5 s at worst."""
    try:
        return await _perform(definition)
    except Exception as wrong:  # one service's answer must not end the node, whatever it was
        _log.exception("check %s could not be run", ascii(definition.id))
        return critical(f"the check could not be run: {type(wrong).__name__}")


async def _perform(definition: CheckDefinition) -> Outcome:
    # Imported where they are needed: a node without such checks does without them (h11 alone is 1 MiB).
    match definition.kind:
        case CheckKind.HTTP:
            from node.check.http import check_http

            return await check_http(definition)
        case CheckKind.TCP:
            from node.check.tcp import check_tcp

            return await check_tcp(definition)
        case CheckKind.SCRIPT:
            from node.check.script import check_script

            return await check_script(definition)
        case CheckKind.DOCKER:
            from node.check.docker import check_docker

            return await check_docker(definition)
    raise ValueError(f"a check of kind {definition.kind.value!r} is not run")
