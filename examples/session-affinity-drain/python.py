"""Sessions that end in peace.

A cookie keeps each client on its endpoint for an hour. An endpoint that is disabled keeps its
sessions for five more minutes and gets no new ones.

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
web = client.load_balancers.pools.create(
    account_id=account,
    name="web",
    monitor=monitor.id,
    origins=[
        {"name": "web-1", "address": "192.0.2.10", "port": 8080},
        {"name": "web-2", "address": "192.0.2.11", "port": 8080},
        {"name": "web-3", "address": "192.0.2.12", "port": 8080},
    ],
)
balancer = client.load_balancers.create(
    zone_id=zone,
    name=f"shop.{domain}",
    proxied=True,
    default_pools=[web.id],
    fallback_pool=web.id,
    session_affinity="cookie",
    session_affinity_ttl=3600,
    session_affinity_attributes={
        "samesite": "Lax",
        "secure": "Always",
        "drain_duration": 300,
        "zero_downtime_failover": "sticky",
    },
)
print(balancer.name, balancer.id)
