#!/bin/sh
# Sessions that end in peace. A cookie keeps each client on its endpoint for an hour. An endpoint
# that is disabled keeps its sessions for five more minutes and gets no new ones.
# Wants EVENKEEL_API_TOKEN, ACCOUNT_ID, ZONE_ID and ZONE_NAME; see ../README.md.
set -eu
API="${EVENKEEL_URL:-http://127.0.0.1:8787/client/v4}"
AUTH="Authorization: Bearer $EVENKEEL_API_TOKEN"
# The identifier in an answer.
id() { sed -n 's/.*"result":{"id":"\([0-9a-f]*\)".*/\1/p'; }

MONITOR=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/monitors" -H "$AUTH" --json '{
  "description": "shop is up",
  "type": "http",
  "path": "/health",
  "expected_codes": "2xx",
  "interval": 15,
  "timeout": 2,
  "retries": 1
}' | id)

WEB=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "web",
  "monitor": "'"$MONITOR"'",
  "origins": [
    {"name": "web-1", "address": "192.0.2.10", "port": 8080},
    {"name": "web-2", "address": "192.0.2.11", "port": 8080},
    {"name": "web-3", "address": "192.0.2.12", "port": 8080}
  ]
}' | id)

curl -sS --fail-with-body "$API/zones/$ZONE_ID/load_balancers" -H "$AUTH" --json '{
  "name": "shop.'"$ZONE_NAME"'",
  "proxied": true,
  "default_pools": ["'"$WEB"'"],
  "fallback_pool": "'"$WEB"'",
  "session_affinity": "cookie",
  "session_affinity_ttl": 3600,
  "session_affinity_attributes": {
    "samesite": "Lax",
    "secure": "Always",
    "drain_duration": 300,
    "zero_downtime_failover": "sticky"
  }
}'
