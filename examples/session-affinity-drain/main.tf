# Sessions that end in peace. A cookie keeps each client on its endpoint for an hour. An endpoint
# that is disabled keeps its sessions for five more minutes and gets no new ones.
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

resource "cloudflare_load_balancer_pool" "web" {
  account_id = var.account_id
  name       = "web"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "web-1"
      address = "192.0.2.10"
      port    = 8080
    },
    {
      name    = "web-2"
      address = "192.0.2.11"
      port    = 8080
    },
    {
      name    = "web-3"
      address = "192.0.2.12"
      port    = 8080
    },
  ]
}

resource "cloudflare_load_balancer" "shop" {
  zone_id              = var.zone_id
  name                 = "shop.${var.zone_name}"
  proxied              = true
  default_pools        = [cloudflare_load_balancer_pool.web.id]
  fallback_pool        = cloudflare_load_balancer_pool.web.id
  session_affinity     = "cookie"
  session_affinity_ttl = 3600
  session_affinity_attributes = {
    samesite               = "Lax"
    secure                 = "Always"
    drain_duration         = 300
    zero_downtime_failover = "sticky"
  }
}
