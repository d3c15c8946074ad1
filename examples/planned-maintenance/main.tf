# Planned maintenance. Takes one endpoint out without breaking a session, then a whole pool, and
# puts both back. The last two steps are what you would run when the work is done.
# With Terraform each step is a change of `enabled` below, applied.
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

resource "cloudflare_load_balancer_pool" "blue" {
  account_id = var.account_id
  name       = "blue"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "blue-1"
      address = "192.0.2.10"
      port    = 8080
    },
    {
      name    = "blue-2"
      address = "192.0.2.11"
      port    = 8080
    },
  ]
}

resource "cloudflare_load_balancer_pool" "green" {
  account_id = var.account_id
  name       = "green"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "green-1"
      address = "198.51.100.10"
      port    = 8080
    },
  ]
}

resource "cloudflare_load_balancer" "shop" {
  zone_id              = var.zone_id
  name                 = "shop.${var.zone_name}"
  proxied              = true
  default_pools        = [cloudflare_load_balancer_pool.blue.id, cloudflare_load_balancer_pool.green.id]
  fallback_pool        = cloudflare_load_balancer_pool.green.id
  session_affinity     = "cookie"
  session_affinity_ttl = 3600
  session_affinity_attributes = {
    drain_duration = 120
  }
}
