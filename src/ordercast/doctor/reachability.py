"""Whether anything listens there."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from .findings import Finding, StopExamination, fault, good
from .polling import trusted
from .target import Target

CONNECT_S_MAX: Final = 5.0


async def check_reachable(target: Target) -> Finding:
    """Connect, with TLS where the URL says so. Raises StopExamination."""
    parts = urlsplit(target.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    secure = trusted() if parts.scheme == "https" else None
    try:
        async with asyncio.timeout(CONNECT_S_MAX):
            _, writer = await asyncio.open_connection(host, port, ssl=secure)
    except socket.gaierror:
        raise _unreachable(f"no machine is called {host}", "mind the name; DNS does not know it") from None
    except ssl.SSLCertVerificationError as error:
        remedy = "browsers refuse it too: the certificate must be of this name, of today, and of a known authority"
        raise _unreachable(f"its certificate is not believed: {error.verify_message}", remedy) from None
    except ssl.SSLError:
        remedy = "say http:// for a server without TLS, or name the port of the proxy that has it"
        raise _unreachable(f"{host}:{port} does not speak TLS", remedy) from None
    except ConnectionRefusedError:
        remedy = f"start the server, or name its port; `ordercast serve --host` says where it listens, {port} is not it"
        raise _unreachable(f"nothing listens at {host}:{port}", remedy) from None
    except (OSError, TimeoutError) as error:
        remedy = "a firewall, a security group or a wrong address: try from the machine itself"
        why = "no answer" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
        raise _unreachable(f"{host}:{port} cannot be reached: {why}", remedy) from None
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return good("reach", f"something listens at {host}:{port}")


def _unreachable(sentence: str, remedy: str) -> StopExamination:
    return StopExamination(fault("reach", sentence, remedy))
