"""By place.

Clients in Portugal and Spain, then those of the rest of western Europe, have pools of their
own; everybody else gets the default.

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
iberia = client.load_balancers.pools.create(
    account_id=account,
    name="iberia",
    monitor=monitor.id,
    origins=[{"name": "iberia-1", "address": "192.0.2.10", "port": 8080}],
)
europe = client.load_balancers.pools.create(
    account_id=account,
    name="europe",
    monitor=monitor.id,
    origins=[{"name": "europe-1", "address": "198.51.100.10", "port": 8080}],
)
world = client.load_balancers.pools.create(
    account_id=account,
    name="world",
    monitor=monitor.id,
    origins=[{"name": "world-1", "address": "203.0.113.10", "port": 8080}],
)
balancer = client.load_balancers.create(
    zone_id=zone,
    name=f"shop.{domain}",
    proxied=True,
    default_pools=[world.id],
    fallback_pool=world.id,
    steering_policy="geo",
    country_pools={"PT": [iberia.id, europe.id], "ES": [iberia.id, europe.id]},
    region_pools={"WEU": [europe.id, world.id]},
)
print(balancer.name, balancer.id)
