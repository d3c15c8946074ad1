# Rules: conditions, overrides, fixed responses.

resource "cloudflare_load_balancer" "documented" {
  zone_id          = var.zone_id
  name             = "documented.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  proxied          = true
  rules {
    name      = "example rule"
    condition = "http.request.uri.path contains \"testing\""
    fixed_response {
      message_body = var.changed ? "goodbye" : "hello"
      status_code  = 200
      content_type = "html"
      location     = "www.example.com"
    }
  }
}

resource "cloudflare_load_balancer" "rules" {
  zone_id          = var.zone_id
  name             = "rules.${var.zone}"
  steering_policy  = ""
  description      = "rules"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  rules {
    name      = "test rule 1"
    condition = "dns.qry.type == 28"
    overrides {
      steering_policy = "geo"
      session_affinity_attributes {
        samesite               = "Auto"
        secure                 = "Auto"
        zero_downtime_failover = "sticky"
      }
      adaptive_routing {
        failover_across_pools = true
      }
      location_strategy {
        prefer_ecs = "always"
        mode       = "resolver_ip"
      }
      random_steering {
        pool_weights   = { (local.east) = 0.4 }
        default_weight = 0.2
      }
    }
  }
  rules {
    name      = "test rule 2"
    condition = "dns.qry.type == 28"
    fixed_response {
      message_body = var.changed ? "goodbye" : "hello"
      status_code  = 200
      content_type = "html"
      location     = "www.example.com"
    }
  }
  rules {
    name      = "test rule 3"
    condition = "dns.qry.type == 28"
    overrides {
      region_pools {
        region   = "ENAM"
        pool_ids = [local.east]
      }
    }
  }
}

resource "cloudflare_load_balancer" "one_override" {
  for_each         = toset(["least_connections", "least_outstanding_requests"])
  zone_id          = var.zone_id
  name             = "override-${replace(each.key, "_", "-")}.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  proxied          = true
  steering_policy  = each.key
  rules {
    name      = "test rule 1"
    condition = var.changed ? "dns.qry.type == 1" : "dns.qry.type == 28"
    overrides {
      steering_policy = each.key
    }
  }
}
