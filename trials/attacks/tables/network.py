"""Attacks that reach out over the network. Each is a probe, as in `files.py`."""

from __future__ import annotations

from trials.attacks.attack import Attack
from trials.attacks.tables.pieces import page_of_tries, tries


def sends_to(name: str, family: str, kind: str, address: str) -> Attack:
    return tries(
        name,
        "network",
        f"""
import socket
made = socket.socket(getattr(socket, {family!r}), socket.{kind})
made.settimeout(2)
made.connect({address})
made.sendall(b"x") if {kind!r} == "SOCK_STREAM" else made.send(b"x")
if {kind!r} == "SOCK_DGRAM":
    assert made.recv(1)
""",
    )


def opens(name: str, family: int, kind: int, protocol: int = 0) -> Attack:
    return tries(name, "network", f"import socket\nsocket.socket({family}, {kind}, {protocol}).close()")


ATTACKS = (
    sends_to("TCP to a port of the grader's machine", "AF_INET", "SOCK_STREAM", '("127.0.0.1", @PORT@)'),
    sends_to("TCP over IPv6", "AF_INET6", "SOCK_STREAM", '("::1", @PORT@)'),
    sends_to("UDP to a port of the grader's machine", "AF_INET", "SOCK_DGRAM", '("127.0.0.1", @PORT@)'),
    sends_to("a Unix socket by its path", "AF_UNIX", "SOCK_STREAM", '"/tmp/attacks-@PORT@.sock"'),
    sends_to("an abstract Unix socket", "AF_UNIX", "SOCK_STREAM", '"\\0attacks-@PORT@"'),
    *page_of_tries(
        "network",
        """
# %% an address of the world
import socket
made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
made.connect(("192.0.2.1", 53))
made.send(b"x")

# %% a name of the world
import socket
print(socket.getaddrinfo("pypi.org", 443))

# %% a library that downloads a model
import os
os.environ["HF_HUB_OFFLINE"] = "0"
import urllib.request
urllib.request.urlopen("http://127.0.0.1:@PORT@/", timeout=2)
""",
    ),
    opens("a packet socket", 17, 3, 768),
    opens("a raw socket", 2, 3, 1),
    opens("an echo request's own socket (ICMP)", 2, 2, 1),
    opens("netlink: kernel events", 16, 3, 15),
    opens("netlink: generic", 16, 3, 16),
    opens("netlink: audit", 16, 3, 9),
    opens("vsock, to the host of a virtual machine", 40, 1),
    opens("Bluetooth", 31, 3, 1),
    opens("the kernel's cryptography (AF_ALG)", 38, 5),
    opens("CAN, RDS, TIPC and other old families", 29, 3, 1),
    *page_of_tries(
        "network",
        """
# %% a socket pair of another family
import socket
socket.socketpair(40, 1)

# %% a server that others on the machine can reach
import socket, urllib.request
server = socket.create_server(("0.0.0.0", 0))
names = open("/proc/net/dev").read()
assert any(name in names for name in ("eth", "ens", "enp", "wl", "bond"))
""",
    ),
)
