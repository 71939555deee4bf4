"""One shop of two nodes behind nginx."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.nginx import Nginx, running_nginx

from .shop import Shop

# What `deploy/nginx/ordercast.conf` calls the nodes, and on which ports.
NODES = {"n1": "3001", "n2": "3002"}


class Site:
    """Its nodes share one database, and are killed and started again one by one."""

    def __init__(self, nginx: Nginx, nodes: dict[str, Shop]) -> None:
        self.nginx = nginx
        self.nodes = nodes
        self.url = nginx.url

    @property
    def any_node(self) -> Shop:
        return next(iter(self.nodes.values()))


@contextmanager
def running_site(folder: Path, **environ: str) -> Iterator[Site]:
    """Two processes on one file do for one machine, as two machines do on one server."""
    nodes = {
        name: Shop(folder, {"ORDERCAST_NODE": name, "ORDERCAST_TRUSTED_PROXIES": "127.0.0.1", **environ})
        for name in NODES
    }
    try:
        for node in nodes.values():
            node.start()
        with running_nginx({NODES[name]: node.port for name, node in nodes.items()}) as nginx:
            yield Site(nginx, nodes)
    finally:
        for node in nodes.values():
            node.kill()
