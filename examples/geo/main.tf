# By place. Clients in Portugal and Spain, then those of the rest of western Europe, have pools of
# their own; everybody else gets the default.
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

resource "cloudflare_load_balancer_pool" "iberia" {
  account_id = var.account_id
  name       = "iberia"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "iberia-1"
      address = "192.0.2.10"
      port    = 8080
    },
  ]
}

resource "cloudflare_load_balancer_pool" "europe" {
  account_id = var.account_id
  name       = "europe"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "europe-1"
      address = "198.51.100.10"
      port    = 8080
    },
  ]
}

resource "cloudflare_load_balancer_pool" "world" {
  account_id = var.account_id
  name       = "world"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "world-1"
      address = "203.0.113.10"
      port    = 8080
    },
  ]
}

resource "cloudflare_load_balancer" "shop" {
  zone_id         = var.zone_id
  name            = "shop.${var.zone_name}"
  proxied         = true
  default_pools   = [cloudflare_load_balancer_pool.world.id]
  fallback_pool   = cloudflare_load_balancer_pool.world.id
  steering_policy = "geo"
  country_pools = {
    PT = [cloudflare_load_balancer_pool.iberia.id, cloudflare_load_balancer_pool.europe.id]
    ES = [cloudflare_load_balancer_pool.iberia.id, cloudflare_load_balancer_pool.europe.id]
  }
  region_pools = {
    WEU = [cloudflare_load_balancer_pool.europe.id, cloudflare_load_balancer_pool.world.id]
  }
}
