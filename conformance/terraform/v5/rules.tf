# Rules: conditions, overrides, fixed responses, order.

resource "cloudflare_load_balancer" "rules" {
  zone_id         = var.zone_id
  name            = "rules.${var.zone}"
  steering_policy = ""
  description     = "rules"
  fallback_pool   = local.east
  default_pools   = [local.east]
  rules = [
    {
      name      = "test rule 1"
      condition = "dns.qry.type == 28"
      overrides = {
        steering_policy = "geo"
        session_affinity_attributes = {
          samesite               = "Auto"
          secure                 = "Auto"
          zero_downtime_failover = "sticky"
        }
        adaptive_routing = { failover_across_pools = true }
        location_strategy = {
          prefer_ecs = "always"
          mode       = "resolver_ip"
        }
        random_steering = {
          pool_weights   = { (local.east) = 0.4 }
          default_weight = 0.2
        }
      }
    },
    {
      name      = "test rule 2"
      condition = "dns.qry.type == 28"
      fixed_response = {
        message_body = var.changed ? "goodbye" : "hello"
        status_code  = 200
        content_type = "html"
        location     = "www.example.com"
      }
    },
    {
      name      = "test rule 3"
      condition = "dns.qry.type == 28"
      overrides = { region_pools = { ENAM = [local.east] } }
    },
  ]
  session_affinity = "none"
}

resource "cloudflare_load_balancer" "one_override" {
  for_each        = toset(["least_connections", "least_outstanding_requests"])
  zone_id         = var.zone_id
  name            = "override-${replace(each.key, "_", "-")}.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  proxied         = true
  steering_policy = each.key
  rules = [{
    name      = "test rule 1"
    condition = var.changed ? "dns.qry.type == 1" : "dns.qry.type == 28"
    overrides = { steering_policy = each.key }
  }]
  session_affinity = "cookie"
}

resource "cloudflare_load_balancer" "all_overrides" {
  zone_id         = var.zone_id
  name            = "all-overrides.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  steering_policy = "off"
  proxied         = true
  rules = [{
    name       = "route the path /testing to testing data centre."
    condition  = "http.request.uri.path contains \"/testing\""
    disabled   = var.changed
    priority   = 5
    terminates = true
    overrides = {
      adaptive_routing = { failover_across_pools = true }
      country_pools    = { GB = [local.east], US = [local.west, local.east] }
      default_pools    = [local.west, local.east]
      fallback_pool    = local.west
      location_strategy = {
        mode       = "resolver_ip"
        prefer_ecs = "always"
      }
      pop_pools = { LAX = [local.west], LHR = [local.east] }
      random_steering = {
        default_weight = 0.2
        pool_weights   = { (local.east) = 0.5, (local.west) = 0.3 }
      }
      region_pools     = { ENAM = [local.east], WNAM = [local.west] }
      session_affinity = "header"
      session_affinity_attributes = {
        headers                = ["x"]
        require_all_headers    = true
        samesite               = "Auto"
        secure                 = "Auto"
        zero_downtime_failover = "temporary"
      }
      session_affinity_ttl = 1800
      steering_policy      = "dynamic_latency"
      ttl                  = 30
    }
  }]
}

resource "cloudflare_load_balancer" "priorities" {
  zone_id         = var.zone_id
  name            = "priorities.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  steering_policy = "off"
  proxied         = true
  rules = [
    for name, priority in var.changed ? { c = 1, a = 7 } : { a = 3, b = 1, c = 2 } : {
      name                                  = name
      priority                              = priority
      condition                             = ""
      overrides                             = { ttl = 30 + priority }
    }
  ]
}

resource "cloudflare_load_balancer" "rules_removed" {
  zone_id         = var.zone_id
  name            = "rules-removed.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  steering_policy = "off"
  proxied         = true
  rules = var.changed ? [] : [{
    name           = "closed"
    fixed_response = { status_code = 503, message_body = "back soon" }
  }]
}

# Every member that the service would else choose.
resource "cloudflare_load_balancer" "rules_spelled_out" {
  zone_id         = var.zone_id
  name            = "rules-spelled-out.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  steering_policy = "off"
  proxied         = true
  rules = [
    {
      name       = "closed"
      condition  = "http.request.uri.path contains \"/closed\""
      priority   = 0
      terminates = true
      fixed_response = {
        message_body = var.changed ? "gone" : "closed"
        status_code  = 503
        content_type = "text/plain"
      }
    },
    {
      name      = "elsewhere"
      priority  = 10
      overrides = { default_pools = [local.west] }
    },
  ]
}
