"""Floods and slow clients: memory within bounds, others unharmed, the offender closed.

Rows 16, 19 to 26 and 35 of the hostile inputs. The attacks are data (`harness.edge.attacks`), and
so are the bounds (`harness.edge.flood`). Time limits that end a client which merely waits are set
to seconds here.
"""

import os

import pytest

from harness import waiting
from harness.edge.attacks import ATTACKS
from harness.edge.flood import CONNECTIONS, Arena, withstand
from harness.edge.memory import clients
from harness.edge.secure import Secure, Zones
from harness.endpoint import Endpoint

# What a client may take that does nothing, or next to nothing.
LIMITS = {
    "handshake": 5,
    "request_head": 2,
    "request_body": 2,
    "client_write": 2,
}

# A flood is ended by its own doing, in a moment; a limit above, with time to notice.
FLOOD_SECONDS = 4.0
LIMIT_SECONDS = 8.0

# Nicer than anything else here.
OTHERS_PRIORITY = 10

# Row 26 says how many.
HELD_CONNECTIONS = 50
# At most: it is over once every stream has been ended.
HELD_SECONDS = 25.0

# Connections are gone once their buffers are; a debug build needs a moment for all of them.
CLOSED_SECONDS = 15.0


@pytest.fixture(scope="module")
def flooded(tmp_path_factory, authority):
    """A balancer of its own with short limits, and two load balancers: one for those who do no
    harm, and one to attack, whose endpoint is not ours to protect.
    """
    server = Secure(tmp_path_factory.mktemp("flooded"), authority)
    server.limit(**LIMITS)
    folder = tmp_path_factory.mktemp("endpoints")
    calm, attacked = Endpoint("calm", folder).start(), Endpoint("attacked", folder).start()
    # As other machines, it takes no processor time from the product.
    os.setpriority(os.PRIO_PROCESS, attacked.process.pid, OTHERS_PRIORITY)
    try:
        server.start()
        zones = Zones(server)
        host, victim = zones.site(zones.pool(calm)), zones.site(zones.pool(attacked))
        server.await_answer(host, "calm")
        server.await_answer(victim, "attacked")
        yield Arena(server, host, victim), attacked
    finally:
        server.kill()
        calm.kill()
        attacked.kill()


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_harms_nobody_else(flooded, name):
    arena, _ = flooded
    attack, ports = ATTACKS[name], (arena.server.http, arena.server.https)
    before = clients(*ports)
    connections, seconds = CONNECTIONS, LIMIT_SECONDS if attack.limit else FLOOD_SECONDS
    if name == "zero-window":
        connections, seconds = HELD_CONNECTIONS, HELD_SECONDS
    withstand(arena, attack, seconds, connections)
    # Those to the endpoint are kept for the next request; the offenders' own are gone.
    waiting.until("connections end", lambda: clients(*ports) <= before, CLOSED_SECONDS)


def test_a_rapid_reset_costs_the_endpoint_little(flooded):
    """Row 20: requests that are taken back at once do not become as many at the endpoint."""
    arena, endpoint = flooded
    mark = endpoint.mark()
    damage = withstand(arena, ATTACKS["rapid-reset"], FLOOD_SECONDS)
    asked = sum(fate["pieces"] for fate in damage.fates) * 200
    served = len(endpoint.requests(mark))
    assert served < max(CONNECTIONS * 1000, asked / 10), f"{served} of {asked} reached the endpoint"
