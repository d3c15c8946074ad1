#!/bin/sh
# Planned maintenance. Takes one endpoint out without breaking a session, then a whole pool, and
# puts both back. The last two steps are what you would run when the work is done.
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

BLUE=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "blue",
  "monitor": "'"$MONITOR"'",
  "origins": [
    {"name": "blue-1", "address": "192.0.2.10", "port": 8080},
    {"name": "blue-2", "address": "192.0.2.11", "port": 8080}
  ]
}' | id)

GREEN=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "green",
  "monitor": "'"$MONITOR"'",
  "origins": [{"name": "green-1", "address": "198.51.100.10", "port": 8080}]
}' | id)

curl -sS --fail-with-body "$API/zones/$ZONE_ID/load_balancers" -H "$AUTH" --json '{
  "name": "shop.'"$ZONE_NAME"'",
  "proxied": true,
  "default_pools": ["'"$BLUE"'", "'"$GREEN"'"],
  "fallback_pool": "'"$GREEN"'",
  "session_affinity": "cookie",
  "session_affinity_ttl": 3600,
  "session_affinity_attributes": {"drain_duration": 120}
}'

# One endpoint out: its sessions stay for two minutes, nothing new arrives.
curl -sS --fail-with-body -X PATCH "$API/accounts/$ACCOUNT_ID/load_balancers/pools/$BLUE" -H "$AUTH" --json '{"origins": [
  {"name": "blue-1", "address": "192.0.2.10", "port": 8080, "enabled": false},
  {"name": "blue-2", "address": "192.0.2.11", "port": 8080}
]}'

# The whole pool out.
curl -sS --fail-with-body -X PATCH "$API/accounts/$ACCOUNT_ID/load_balancers/pools/$BLUE" -H "$AUTH" --json '{"enabled": false}'

# The work is done: the pool, then the endpoint.
curl -sS --fail-with-body -X PATCH "$API/accounts/$ACCOUNT_ID/load_balancers/pools/$BLUE" -H "$AUTH" --json '{"enabled": true}'
curl -sS --fail-with-body -X PATCH "$API/accounts/$ACCOUNT_ID/load_balancers/pools/$BLUE" -H "$AUTH" --json '{"origins": [
  {"name": "blue-1", "address": "192.0.2.10", "port": 8080},
  {"name": "blue-2", "address": "192.0.2.11", "port": 8080}
]}'
