#!/bin/sh
# A canary by weight. One request in twenty goes to the new version. Raise its weight, or set it
# to 0, at any time.
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

STABLE=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "stable",
  "monitor": "'"$MONITOR"'",
  "origins": [
    {"name": "stable-1", "address": "192.0.2.10", "port": 8080},
    {"name": "stable-2", "address": "192.0.2.11", "port": 8080}
  ]
}' | id)

CANARY=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "canary",
  "monitor": "'"$MONITOR"'",
  "origins": [{"name": "canary-1", "address": "192.0.2.20", "port": 8080}]
}' | id)

curl -sS --fail-with-body "$API/zones/$ZONE_ID/load_balancers" -H "$AUTH" --json '{
  "name": "shop.'"$ZONE_NAME"'",
  "proxied": true,
  "default_pools": ["'"$STABLE"'", "'"$CANARY"'"],
  "fallback_pool": "'"$STABLE"'",
  "steering_policy": "random",
  "random_steering": {"default_weight": 0.95, "pool_weights": {"'"$CANARY"'": 0.05}}
}'
