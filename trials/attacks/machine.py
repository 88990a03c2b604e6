"""What attacks are watched for on the machine: a listener that they may reach, files that they may change, processes that stay.

The listener on this machine's loopback stands for the network.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil


@contextlib.contextmanager
def listening() -> Iterator[int]:
    """A port that answers on this machine's loopback over TCP and UDP, and two Unix sockets that have it in their name."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port: int = server.getsockname()[1]
        servers = [server]
        with contextlib.suppress(OSError):
            servers.append(stack.enter_context(socket.create_server(("::1", port), family=socket.AF_INET6)))
        datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(("127.0.0.1", port))
        path = f"/tmp/attacks-{port}.sock"
        for address in (path, f"\0attacks-{port}"):
            unix = stack.enter_context(socket.socket(socket.AF_UNIX))
            unix.bind(address)
            unix.listen()
            servers.append(unix)
        os.chmod(path, 0o777)
        stack.callback(os.unlink, path)
        for each in servers:
            threading.Thread(target=_accept, args=(each,), daemon=True).start()
        threading.Thread(target=_echo, args=(datagrams,), daemon=True).start()
        yield port


def _accept(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with contextlib.suppress(OSError), connection:
                connection.settimeout(1)
                connection.recv(100)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nx")


def _echo(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            data, sender = server.recvfrom(100)
            server.sendto(data, sender)


def snapshot(*folders: Path) -> dict[str, str]:
    """A digest of every file in some folders, by path; of a link, where it points."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink():
                found[str(path)] = os.readlink(path)
            elif path.is_file():
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                found[str(path)] = "folder"
    return found


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What was changed, added or removed, in words."""
    own = {"gradebook.db", "autograded", "verdicts", "overrides", ".autograder", "feedback", "gradebook.db-journal"}
    found = [f"{path} is gone" for path in before if path not in after]
    found += [f"{path} is new" for path in after if path not in before and Path(path).name not in own]
    return found + [f"{path} was changed" for path in after if path in before and before[path] != after[path]]


def left_running() -> list[str]:
    """Processes that an attack started and that are still there."""
    left = [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["sleep", "86399"]]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return [f"process {process.pid} is still running: xsleep" for process in left]


def most_memory(pid: int) -> float:
    """The most memory that a process has had so far, in megabytes."""
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
        return int(found[1]) / 1024 if found else 0.0
    return 0.0
