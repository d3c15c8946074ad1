# Rules. Requests below `/api/` have a pool of their own, without sessions; the old path is
# answered with a redirect that no endpoint sees.
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
  ]
}

resource "cloudflare_load_balancer_pool" "service" {
  account_id = var.account_id
  name       = "service"
  monitor    = cloudflare_load_balancer_monitor.shop.id
  origins = [
    {
      name    = "service-1"
      address = "192.0.2.20"
      port    = 8080
    },
    {
      name    = "service-2"
      address = "192.0.2.21"
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
  rules = [
    {
      name       = "moved"
      condition  = "http.request.uri.path eq \"/old\""
      priority   = 10
      terminates = true
      fixed_response = {
        status_code  = 301
        location     = "https://shop.${var.zone_name}/new"
        content_type = "text/plain"
        message_body = "moved"
      }
    },
    {
      name      = "api"
      condition = "starts_with(http.request.uri.path, \"/api/\")"
      priority  = 20
      overrides = {
        default_pools    = [cloudflare_load_balancer_pool.service.id]
        fallback_pool    = cloudflare_load_balancer_pool.service.id
        session_affinity = "none"
      }
    },
  ]
}
