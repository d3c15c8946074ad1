# Several pools at once. Each request draws one of two pools, and then one of its endpoints,
# evenly. A pool that fails gets nothing.
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
    {
      name    = "lisbon-2"
      address = "192.0.2.11"
      port    = 8080
    },
  ]
}

resource "cloudflare_load_balancer_pool" "porto" {
  account_id = var.account_id
  name       = "porto"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "porto-1"
      address = "198.51.100.10"
      port    = 8080
    },
    {
      name    = "porto-2"
      address = "198.51.100.11"
      port    = 8080
    },
  ]
}

resource "cloudflare_load_balancer" "shop" {
  zone_id         = var.zone_id
  name            = "shop.${var.zone_name}"
  proxied         = true
  default_pools   = [cloudflare_load_balancer_pool.lisbon.id, cloudflare_load_balancer_pool.porto.id]
  fallback_pool   = cloudflare_load_balancer_pool.porto.id
  steering_policy = "random"
  adaptive_routing = {
    failover_across_pools = true
  }
}
