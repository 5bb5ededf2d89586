"""What the kernel says of a cluster's network."""

from benchmarks.compare.loopback import Carried, parse_bound_ports, parse_carried

DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo frame compressed multicast
    lo:   51234     301    0    0    0     0          0         0    51234     301    0    0    0     0       0          0
  eth0:       9       9    0    0    0     0          0         0        9       9    0    0    0     0       0          0
"""  # noqa: E501 - as the kernel writes it
UDP = """   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref
  241: 0100007F:4E22 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12345 2
  243: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12346 2
"""


def test_carried_is_loopbacks_received_side() -> None:
    """A packet is received as often as it is sent there: one side counts."""
    assert parse_carried(DEV) == Carried(packet_count=301, byte_count=51234)
    assert parse_carried("") == Carried(0, 0)


def test_bound_ports_of_any_address() -> None:
    """Ports are in hexadecimal digits."""
    assert parse_bound_ports(UDP) == {20002, 53}
