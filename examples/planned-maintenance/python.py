"""Planned maintenance.

Takes one endpoint out without breaking a session, then a whole pool, and puts both back. The
last two steps are what you would run when the work is done.

Wants EVENKEEL_API_TOKEN, ACCOUNT_ID, ZONE_ID and ZONE_NAME; see ../README.md.
"""

import os

from cloudflare import Cloudflare

url = os.environ.get("EVENKEEL_URL", "http://127.0.0.1:8787/client/v4")
client = Cloudflare(api_token=os.environ["EVENKEEL_API_TOKEN"], base_url=url)
account, zone, domain = (os.environ[name] for name in ("ACCOUNT_ID", "ZONE_ID", "ZONE_NAME"))

monitor = client.load_balancers.monitors.create(
    account_id=account,
    description="shop is up",
    type="http",
    path="/health",
    expected_codes="2xx",
    interval=15,
    load_balancer_monitor_timeout=2,
    retries=1,
)
blue = client.load_balancers.pools.create(
    account_id=account,
    name="blue",
    monitor=monitor.id,
    origins=[
        {"name": "blue-1", "address": "192.0.2.10", "port": 8080},
        {"name": "blue-2", "address": "192.0.2.11", "port": 8080},
    ],
)
green = client.load_balancers.pools.create(
    account_id=account,
    name="green",
    monitor=monitor.id,
    origins=[{"name": "green-1", "address": "198.51.100.10", "port": 8080}],
)
balancer = client.load_balancers.create(
    zone_id=zone,
    name=f"shop.{domain}",
    proxied=True,
    default_pools=[blue.id, green.id],
    fallback_pool=green.id,
    session_affinity="cookie",
    session_affinity_ttl=3600,
    session_affinity_attributes={"drain_duration": 120},
)

pools = client.load_balancers.pools
# One endpoint out: its sessions stay for two minutes, nothing new arrives.
endpoints = [
    {"name": "blue-1", "address": "192.0.2.10", "port": 8080},
    {"name": "blue-2", "address": "192.0.2.11", "port": 8080},
]
resting = [{**endpoints[0], "enabled": False}, *endpoints[1:]]
pools.edit(blue.id, account_id=account, origins=resting)
# The whole pool out.
pools.edit(blue.id, account_id=account, enabled=False)
# The work is done: the pool, then the endpoint.
pools.edit(blue.id, account_id=account, enabled=True)
pools.edit(blue.id, account_id=account, origins=endpoints)
print(balancer.name, balancer.id)
