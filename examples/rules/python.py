"""Rules.

Requests below `/api/` have a pool of their own, without sessions; the old path is answered with
a redirect that no endpoint sees.

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
    ],
)
service = client.load_balancers.pools.create(
    account_id=account,
    name="service",
    monitor=monitor.id,
    origins=[
        {"name": "service-1", "address": "192.0.2.20", "port": 8080},
        {"name": "service-2", "address": "192.0.2.21", "port": 8080},
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
    rules=[
        {
            "name": "moved",
            "condition": 'http.request.uri.path eq "/old"',
            "priority": 10,
            "terminates": True,
            "fixed_response": {
                "status_code": 301,
                "location": f"https://shop.{domain}/new",
                "content_type": "text/plain",
                "message_body": "moved",
            },
        },
        {
            "name": "api",
            "condition": 'starts_with(http.request.uri.path, "/api/")',
            "priority": 20,
            "overrides": {
                "default_pools": [service.id],
                "fallback_pool": service.id,
                "session_affinity": "none",
            },
        },
    ],
)
print(balancer.name, balancer.id)
