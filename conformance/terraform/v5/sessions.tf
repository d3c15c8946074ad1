# Session affinity: every kind, every attribute.

resource "cloudflare_load_balancer" "cookie" {
  zone_id              = var.zone_id
  name                 = "cookie.${var.zone}"
  fallback_pool        = local.east
  default_pools        = [local.east]
  steering_policy      = "off"
  session_affinity     = "cookie"
  session_affinity_ttl = var.changed ? 5000 : 1800
  session_affinity_attributes = {
    samesite               = "Auto"
    secure                 = "Auto"
    drain_duration         = 60
    zero_downtime_failover = "sticky"
  }
}

resource "cloudflare_load_balancer" "cookie_defaults" {
  zone_id          = var.zone_id
  name             = "cookie-defaults.${var.zone}"
  fallback_pool    = local.east
  default_pools    = [local.east]
  steering_policy  = "off"
  session_affinity = var.changed ? "ip_cookie" : "cookie"
}

resource "cloudflare_load_balancer" "ip_cookie" {
  zone_id          = var.zone_id
  name             = "ip-cookie.${var.zone}"
  fallback_pool    = local.east
  default_pools    = [local.east]
  steering_policy  = "off"
  description      = var.changed ? "by address" : null
  session_affinity = "ip_cookie"
}

resource "cloudflare_load_balancer" "header" {
  zone_id              = var.zone_id
  name                 = "header.${var.zone}"
  fallback_pool        = local.east
  default_pools        = [local.east]
  steering_policy      = "off"
  session_affinity     = "header"
  session_affinity_ttl = 1800
  session_affinity_attributes = {
    samesite               = "Auto"
    secure                 = "Auto"
    drain_duration         = 60
    zero_downtime_failover = "temporary"
    headers                = var.changed ? ["x-custom", "cookie:a,b"] : ["x-custom"]
    require_all_headers    = true
  }
}

# Attributes of sessions that nobody has yet.
resource "cloudflare_load_balancer" "attributes_alone" {
  zone_id         = var.zone_id
  name            = "attributes-alone.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  steering_policy = "off"
  proxied         = true
  session_affinity_attributes = {
    samesite               = var.changed ? "Strict" : "Lax"
    secure                 = "Always"
    drain_duration         = 60
    zero_downtime_failover = "temporary"
  }
}

resource "cloudflare_load_balancer" "one_attribute" {
  zone_id                     = var.zone_id
  name                        = "one-attribute.${var.zone}"
  fallback_pool               = local.east
  default_pools               = [local.east]
  steering_policy             = "off"
  proxied                     = true
  session_affinity            = "cookie"
  session_affinity_attributes = var.changed ? { samesite = "None" } : { secure = "Never" }
}

resource "cloudflare_load_balancer" "sessions_removed" {
  zone_id                     = var.zone_id
  name                        = "sessions-removed.${var.zone}"
  fallback_pool               = local.east
  default_pools               = [local.east]
  steering_policy             = "off"
  session_affinity            = var.changed ? null : "cookie"
  session_affinity_ttl        = var.changed ? null : 5000
  session_affinity_attributes = var.changed ? null : { drain_duration = 60 }
}
