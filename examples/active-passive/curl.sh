#!/bin/sh
# Active and standby. All traffic goes to the first pool; the standby takes over while its monitor
# finds it down, and gives back when it is well again.
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

PRIMARY=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "primary",
  "monitor": "'"$MONITOR"'",
  "origins": [
    {"name": "primary-1", "address": "192.0.2.10", "port": 8080},
    {"name": "primary-2", "address": "192.0.2.11", "port": 8080}
  ]
}' | id)

STANDBY=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "standby",
  "monitor": "'"$MONITOR"'",
  "origins": [{"name": "standby-1", "address": "198.51.100.10", "port": 8080}]
}' | id)

curl -sS --fail-with-body "$API/zones/$ZONE_ID/load_balancers" -H "$AUTH" --json '{
  "name": "shop.'"$ZONE_NAME"'",
  "proxied": true,
  "default_pools": ["'"$PRIMARY"'", "'"$STANDBY"'"],
  "fallback_pool": "'"$STANDBY"'",
  "steering_policy": "off"
}'
