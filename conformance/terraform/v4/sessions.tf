# Session affinity: every kind, every attribute.

resource "cloudflare_load_balancer" "cookie" {
  zone_id              = var.zone_id
  name                 = "cookie.${var.zone}"
  fallback_pool_id     = local.east
  default_pool_ids     = [local.east]
  session_affinity     = "cookie"
  session_affinity_ttl = var.changed ? 5000 : 1800
  session_affinity_attributes {
    samesite               = "Auto"
    secure                 = "Auto"
    drain_duration         = 60
    zero_downtime_failover = "sticky"
  }
}

resource "cloudflare_load_balancer" "ip_cookie" {
  zone_id          = var.zone_id
  name             = "ip-cookie.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  description      = var.changed ? "by address" : "by its address"
  session_affinity = "ip_cookie"
}

resource "cloudflare_load_balancer" "header" {
  zone_id              = var.zone_id
  name                 = "header.${var.zone}"
  fallback_pool_id     = local.east
  default_pool_ids     = [local.east]
  session_affinity     = "header"
  session_affinity_ttl = 1800
  session_affinity_attributes {
    samesite               = "Auto"
    secure                 = "Auto"
    drain_duration         = 60
    zero_downtime_failover = "temporary"
    headers                = var.changed ? ["x-custom", "x-other"] : ["x-custom"]
    require_all_headers    = true
  }
}

resource "cloudflare_load_balancer" "sessions_removed" {
  zone_id          = var.zone_id
  name             = "sessions-removed.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  session_affinity = var.changed ? "none" : "cookie"
}
