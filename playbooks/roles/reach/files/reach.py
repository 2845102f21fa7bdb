"""Tries name resolution, connection, TLS and HTTP of each URL; prints a line for each that fails, with its remedy.

python3 - '[{"name": "GitHub", "url": "https://github.com"}]' SECONDS
"""

import http.client
import json
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

SECONDS = float(sys.argv[2])


def tried(target):
    """What fails on the way to a target, or None."""
    parts = urlsplit(target["url"])
    secure = parts.scheme == "https"
    host, port = parts.hostname, parts.port or (443 if secure else 80)
    where = f"{target['name']} ({parts.scheme}://{host}:{port}) is not reached"
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return f"{where}: the name {host} is not resolved ({error}). Remedy: see /etc/resolv.conf and the name server."
    try:
        connection = socket.create_connection((host, port), timeout=SECONDS)
    except OSError as error:
        return f"{where}: no connection to port {port} ({error}). Remedy: see the service, and each firewall between."
    try:
        if secure:
            connection = ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    except OSError as error:
        return f"{where}: TLS fails ({error}). Remedy: see the host's clock, ca-certificates, and proxies between."
    try:
        client = http.client.HTTPConnection(host, port, timeout=SECONDS)
        client.sock = connection
        client.request("HEAD", parts.path or "/", headers={"User-Agent": "pointsman"})
        status = client.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{where}: no HTTP answer ({error}). Remedy: see what listens on port {port}."
    finally:
        connection.close()
    if status in (502, 503, 504):
        return f"{where}: it answers {status}. Remedy: wait for the service behind it, or see its logs."
    return None


targets = json.loads(sys.argv[1])
with ThreadPoolExecutor(max_workers=8) as pool:
    for fault in pool.map(tried, targets):
        if fault:
            print(fault)
