# Active and standby. All traffic goes to the first pool; the standby takes over while its monitor
# finds it down, and gives back when it is well again.
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

resource "cloudflare_load_balancer_pool" "primary" {
  account_id = var.account_id
  name       = "primary"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "primary-1"
      address = "192.0.2.10"
      port    = 8080
    },
    {
      name    = "primary-2"
      address = "192.0.2.11"
      port    = 8080
    },
  ]
}

resource "cloudflare_load_balancer_pool" "standby" {
  account_id = var.account_id
  name       = "standby"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "standby-1"
      address = "198.51.100.10"
      port    = 8080
    },
  ]
}

resource "cloudflare_load_balancer" "shop" {
  zone_id         = var.zone_id
  name            = "shop.${var.zone_name}"
  proxied         = true
  default_pools   = [cloudflare_load_balancer_pool.primary.id, cloudflare_load_balancer_pool.standby.id]
  fallback_pool   = cloudflare_load_balancer_pool.standby.id
  steering_policy = "off"
}
