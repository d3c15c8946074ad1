# By DNS alone. Not proxied: the name is answered with the addresses of healthy endpoints, nearest
# pool first, for clients that speak anything at all.
# Version 5 of the provider; see ../README.md.

terraform {
  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5"
    }
  }
}

variable "account_id" {
  type = string
}

variable "zone_id" {
  type = string
}

variable "zone_name" {
  type = string
}

resource "cloudflare_load_balancer_monitor" "shop" {
  account_id     = var.account_id
  description    = "shop is up"
  type           = "http"
  path           = "/health"
  expected_codes = "2xx"
  interval       = 15
  timeout        = 2
  retries        = 1
}

resource "cloudflare_load_balancer_pool" "lisbon" {
  account_id = var.account_id
  name       = "lisbon"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "lisbon-1"
      address = "192.0.2.10"
      port    = 8080
    },
  ]
  latitude  = 38.72
  longitude = -9.14
}

resource "cloudflare_load_balancer_pool" "frankfurt" {
  account_id = var.account_id
  name       = "frankfurt"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "frankfurt-1"
      address = "198.51.100.10"
      port    = 8080
    },
  ]
  latitude  = 50.11
  longitude = 8.68
}

resource "cloudflare_load_balancer" "shop" {
  zone_id         = var.zone_id
  name            = "game.${var.zone_name}"
  proxied         = false
  ttl             = 30
  default_pools   = [cloudflare_load_balancer_pool.lisbon.id, cloudflare_load_balancer_pool.frankfurt.id]
  fallback_pool   = cloudflare_load_balancer_pool.frankfurt.id
  steering_policy = "proximity"
  location_strategy = {
    mode       = "resolver_ip"
    prefer_ecs = "always"
  }
}
