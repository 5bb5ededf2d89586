"""Members as a client of the native API reads them."""

from typing import Any

import msgspec

from node.http_client import Client, ClientError

MEMBERS_PATH = "/v1/cluster/members"


class MemberRow(msgspec.Struct, frozen=True):
    """One member as /v1/cluster/members gives it; what is not shown is not read."""

    id: str
    name: str
    address: str
    status: str
    incarnation: int
    since: float = 0.0
    region: str = ""
    datacenter: str = ""
    version: str = ""
    tags: dict[str, str] = {}
    rtt_s: float | None = None
    is_local: bool = False


def fetch_members(client: Client) -> list[MemberRow]:
    """Ask an agent for every member it lists.

    Raises:
        ClientError: no answer, or not a list of members.
    """
    return [row for _, row in fetch_pairs(client)]


def fetch_pairs(client: Client) -> list[tuple[dict[str, Any], MemberRow]]:
    """Ask an agent for its members, each as it came and as a row.

    Raises:
        ClientError: no answer, or not a list of members.
    """
    return read_members(client.get(MEMBERS_PATH))


def read_members(answer: Any) -> list[tuple[dict[str, Any], MemberRow]]:
    """Take the members out of a decoded answer.

    Raises:
        ClientError: it is not a list of members.
    """
    raws: Any = answer.get("members") if isinstance(answer, dict) else answer
    try:
        rows = msgspec.convert(raws, list[MemberRow], strict=False)
    except msgspec.ValidationError as error:
        raise ClientError(f"the answer is not a list of members ({error}): is it an agent?") from None
    return list(zip(raws, rows, strict=True))
