"""A canary by weight.

One request in twenty goes to the new version. Raise its weight, or set it to 0, at any time.

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
stable = client.load_balancers.pools.create(
    account_id=account,
    name="stable",
    monitor=monitor.id,
    origins=[
        {"name": "stable-1", "address": "192.0.2.10", "port": 8080},
        {"name": "stable-2", "address": "192.0.2.11", "port": 8080},
    ],
)
canary = client.load_balancers.pools.create(
    account_id=account,
    name="canary",
    monitor=monitor.id,
    origins=[{"name": "canary-1", "address": "192.0.2.20", "port": 8080}],
)
balancer = client.load_balancers.create(
    zone_id=zone,
    name=f"shop.{domain}",
    proxied=True,
    default_pools=[stable.id, canary.id],
    fallback_pool=stable.id,
    steering_policy="random",
    random_steering={"default_weight": 0.95, "pool_weights": {canary.id: 0.05}},
)
print(balancer.name, balancer.id)
