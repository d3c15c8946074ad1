"""Active and standby.

All traffic goes to the first pool; the standby takes over while its monitor finds it down, and
gives back when it is well again.

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
primary = client.load_balancers.pools.create(
    account_id=account,
    name="primary",
    monitor=monitor.id,
    origins=[
        {"name": "primary-1", "address": "192.0.2.10", "port": 8080},
        {"name": "primary-2", "address": "192.0.2.11", "port": 8080},
    ],
)
standby = client.load_balancers.pools.create(
    account_id=account,
    name="standby",
    monitor=monitor.id,
    origins=[{"name": "standby-1", "address": "198.51.100.10", "port": 8080}],
)
balancer = client.load_balancers.create(
    zone_id=zone,
    name=f"shop.{domain}",
    proxied=True,
    default_pools=[primary.id, standby.id],
    fallback_pool=standby.id,
    steering_policy="off",
)
print(balancer.name, balancer.id)
