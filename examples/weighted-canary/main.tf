# A canary by weight. One request in twenty goes to the new version. Raise its weight, or set it
# to 0, at any time.
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

resource "cloudflare_load_balancer_pool" "stable" {
  account_id = var.account_id
  name       = "stable"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "stable-1"
      address = "192.0.2.10"
      port    = 8080
    },
    {
      name    = "stable-2"
      address = "192.0.2.11"
      port    = 8080
    },
  ]
}

resource "cloudflare_load_balancer_pool" "canary" {
  account_id = var.account_id
  name       = "canary"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "canary-1"
      address = "192.0.2.20"
      port    = 8080
    },
  ]
}

resource "cloudflare_load_balancer" "shop" {
  zone_id         = var.zone_id
  name            = "shop.${var.zone_name}"
  proxied         = true
  default_pools   = [cloudflare_load_balancer_pool.stable.id, cloudflare_load_balancer_pool.canary.id]
  fallback_pool   = cloudflare_load_balancer_pool.stable.id
  steering_policy = "random"
  random_steering = {
    default_weight = 0.95
    pool_weights = {
      (cloudflare_load_balancer_pool.canary.id) = 0.05
    }
  }
}
