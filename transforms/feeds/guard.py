"""Which addresses may be dialled: the public internet, and nothing that only this machine or its network can reach.

The check sits where the socket is made, after every resolution and redirect, so that no spelling of an address, no DNS
answer that changes between check and use, and no redirect passes it. A check in a resolver would not do: aiohttp does
not ask the resolver about addresses written as numbers.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable
from typing import Any

REFUSED = "address refused"

# Addresses that `ipaddress` calls global and that lead inside all the same: NAT64, 6to4, Teredo, the deprecated site-local
# and v4-compatible ranges (each can carry a private v4 address), and the metadata address of Azure.
_INWARD = tuple(
    ipaddress.ip_network(n)
    for n in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10", "::/96", "168.63.129.16/32")
)
_LOCAL = tuple(
    ipaddress.ip_network(n) for n in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)


class AddressRefused(OSError):
    """The name or address leads to a place that must not be dialled."""

    def __init__(self, address: str) -> None:
        super().__init__(errno.EACCES, f"{REFUSED}: {address} is not a public address")


def is_allowed(address: str, allow_local: bool = False) -> bool:
    """Whether the IP address may be dialled; with `allow_local` also this machine and private networks.

    Link-local addresses (with the metadata service of the clouds), multicast and reserved ones are never allowed.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if allow_local and any(ip in network for network in _LOCAL if network.version == ip.version):
        return True
    if any(ip in network for network in _INWARD if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def guarded_sockets(allow_local: bool = False) -> Callable[[Any], socket.socket]:
    """A socket factory for `aiohttp.TCPConnector` that raises AddressRefused instead of making a socket to a refused address."""

    def make(address: Any) -> socket.socket:
        family, kind, protocol, _, where = address
        if not is_allowed(str(where[0]), allow_local):
            raise AddressRefused(str(where[0]))
        return socket.socket(family, kind, protocol)

    return make
