"""By DNS alone.

Not proxied: the name is answered with the addresses of healthy endpoints, nearest pool first,
for clients that speak anything at all.

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
lisbon = client.load_balancers.pools.create(
    account_id=account,
    name="lisbon",
    monitor=monitor.id,
    origins=[{"name": "lisbon-1", "address": "192.0.2.10", "port": 8080}],
    latitude=38.72,
    longitude=-9.14,
)
frankfurt = client.load_balancers.pools.create(
    account_id=account,
    name="frankfurt",
    monitor=monitor.id,
    origins=[{"name": "frankfurt-1", "address": "198.51.100.10", "port": 8080}],
    latitude=50.11,
    longitude=8.68,
)
balancer = client.load_balancers.create(
    zone_id=zone,
    name=f"game.{domain}",
    proxied=False,
    ttl=30,
    default_pools=[lisbon.id, frankfurt.id],
    fallback_pool=frankfurt.id,
    steering_policy="proximity",
    location_strategy={"mode": "resolver_ip", "prefer_ecs": "always"},
)
print(balancer.name, balancer.id)
