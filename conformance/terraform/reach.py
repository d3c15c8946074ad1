"""How each provider reaches the API: its binary, its token, and where it is told to look."""

import os
from pathlib import Path

import pytest
from https import Https

from harness.control import Control, client
from harness.evenkeel import Evenkeel

# The providers ask for forty characters at least.
TOKEN = "conformance-terraform-0123456789abcdef0123"

AS_WHOM = {"CLOUDFLARE_API_TOKEN": TOKEN}


def provider(version: str) -> Path:
    """The provider's binary, which `cargo xtask conformance terraform` builds and names."""
    named = os.environ.get(f"EVENKEEL_TERRAFORM_{version.upper()}")
    if not named:
        pytest.skip(f"no provider {version}: see conformance/terraform/README.md")
    return Path(named)


def managed(server: Evenkeel) -> Control:
    """The control plane of a server that has this token."""
    control = Control(server)
    control.sdk = client(server, TOKEN)
    return control


def plain(server: Evenkeel) -> dict[str, str]:
    """How version 5 is told where the API is."""
    return {"CLOUDFLARE_BASE_URL": f"http://127.0.0.1:{server.api}/client/v4"}


def secure(server: Evenkeel) -> dict[str, str]:
    """How version 4 is told, which puts https before any host name."""
    https = Https(server.folder, server.api).start()
    host = f"127.0.0.1:{https.port}"
    return {
        "CLOUDFLARE_API_HOSTNAME": host,
        "SSL_CERT_FILE": str(https.certificate),
        # It would send four requests a second.
        "CLOUDFLARE_RPS": "200",
    }


REACHES = {"v5": plain, "v4": secure}
