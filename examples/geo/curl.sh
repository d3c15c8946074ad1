#!/bin/sh
# By place. Clients in Portugal and Spain, then those of the rest of western Europe, have pools of
# their own; everybody else gets the default.
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

IBERIA=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "iberia",
  "monitor": "'"$MONITOR"'",
  "origins": [{"name": "iberia-1", "address": "192.0.2.10", "port": 8080}]
}' | id)

EUROPE=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "europe",
  "monitor": "'"$MONITOR"'",
  "origins": [{"name": "europe-1", "address": "198.51.100.10", "port": 8080}]
}' | id)

WORLD=$(curl -sS --fail-with-body "$API/accounts/$ACCOUNT_ID/load_balancers/pools" -H "$AUTH" --json '{
  "name": "world",
  "monitor": "'"$MONITOR"'",
  "origins": [{"name": "world-1", "address": "203.0.113.10", "port": 8080}]
}' | id)

curl -sS --fail-with-body "$API/zones/$ZONE_ID/load_balancers" -H "$AUTH" --json '{
  "name": "shop.'"$ZONE_NAME"'",
  "proxied": true,
  "default_pools": ["'"$WORLD"'"],
  "fallback_pool": "'"$WORLD"'",
  "steering_policy": "geo",
  "country_pools": {"PT": ["'"$IBERIA"'", "'"$EUROPE"'"], "ES": ["'"$IBERIA"'", "'"$EUROPE"'"]},
  "region_pools": {"WEU": ["'"$EUROPE"'", "'"$WORLD"'"]}
}'
