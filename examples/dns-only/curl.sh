#!/bin/sh
# By DNS alone. Not proxied: the name is answered with the addresses of healthy endpoints, nearest
# pool first, for clients that speak anything at all.
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
  "origins": [{"name": "lisbon-1", "address": "192.0.2.10", "port": 8080}],
  "latitude": 38.72,
  "longitude": -9.14
}' | id)

FRANKFURT=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "frankfurt",
  "monitor": "'"$MONITOR"'",
  "origins": [{"name": "frankfurt-1", "address": "198.51.100.10", "port": 8080}],
  "latitude": 50.11,
  "longitude": 8.68
}' | id)

curl -sS --fail-with-body "$API/zones/$ZONE_ID/load_balancers" -H "$AUTH" --json '{
  "name": "game.'"$ZONE_NAME"'",
  "proxied": false,
  "ttl": 30,
  "default_pools": ["'"$LISBON"'", "'"$FRANKFURT"'"],
  "fallback_pool": "'"$FRANKFURT"'",
  "steering_policy": "proximity",
  "location_strategy": {"mode": "resolver_ip", "prefer_ecs": "always"}
}'
