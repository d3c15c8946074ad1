#!/bin/sh
# Several pools at once. Each request draws one of two pools, and then one of its endpoints,
# evenly. A pool that fails gets nothing.
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

LISBON=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "lisbon",
  "monitor": "'"$MONITOR"'",
  "origins": [
    {"name": "lisbon-1", "address": "192.0.2.10", "port": 8080},
    {"name": "lisbon-2", "address": "192.0.2.11", "port": 8080}
  ]
}' | id)

PORTO=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "porto",
  "monitor": "'"$MONITOR"'",
  "origins": [
    {"name": "porto-1", "address": "198.51.100.10", "port": 8080},
    {"name": "porto-2", "address": "198.51.100.11", "port": 8080}
  ]
}' | id)

curl -sS --fail-with-body "$API/zones/$ZONE_ID/load_balancers" -H "$AUTH" --json '{
  "name": "shop.'"$ZONE_NAME"'",
  "proxied": true,
  "default_pools": ["'"$LISBON"'", "'"$PORTO"'"],
  "fallback_pool": "'"$PORTO"'",
  "steering_policy": "random",
  "adaptive_routing": {"failover_across_pools": true}
}'
