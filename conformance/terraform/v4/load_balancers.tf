# Load balancers: steering, geography, DNS and the host name. Rules and sessions have their own files.

locals {
  east = cloudflare_load_balancer_pool.east.id
  west = cloudflare_load_balancer_pool.west.id
}

resource "cloudflare_load_balancer" "minimal" {
  zone_id          = var.zone_id
  name             = "minimal.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = var.changed ? [local.west, local.east] : [local.east]
}

resource "cloudflare_load_balancer" "basic" {
  zone_id          = var.zone_id
  name             = var.changed ? "renamed.${var.zone}" : "basic.${var.zone}"
  steering_policy  = ""
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
}

resource "cloudflare_load_balancer" "geo" {
  zone_id          = var.zone_id
  name             = "geo.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  description      = "by place"
  proxied          = true
  steering_policy  = "geo"
  pop_pools {
    pop      = "LAX"
    pool_ids = [local.east]
  }
  country_pools {
    country  = "US"
    pool_ids = var.changed ? [local.west] : [local.east, local.west]
  }
  region_pools {
    region   = "WNAM"
    pool_ids = [local.east]
  }
  region_pools {
    region   = "SAS"
    pool_ids = [local.west]
  }
}

# Maps that a PUT leaves out are cleared.
resource "cloudflare_load_balancer" "geo_moved" {
  zone_id          = var.zone_id
  name             = "geo-moved.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  proxied          = true
  steering_policy  = "geo"
  dynamic "pop_pools" {
    for_each = var.changed ? [] : ["LAX"]
    content {
      pop      = pop_pools.value
      pool_ids = [local.east]
    }
  }
  dynamic "country_pools" {
    for_each = var.changed ? [] : ["US"]
    content {
      country  = country_pools.value
      pool_ids = [local.east]
    }
  }
  dynamic "region_pools" {
    for_each = var.changed ? ["WNAM"] : []
    content {
      region   = region_pools.value
      pool_ids = [local.east]
    }
  }
}

# Without a policy the maps decide it.
resource "cloudflare_load_balancer" "geo_implied" {
  zone_id          = var.zone_id
  name             = "geo-implied.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  description      = var.changed ? "implied" : "by place"
  region_pools {
    region   = "WNAM"
    pool_ids = [local.east]
  }
}

resource "cloudflare_load_balancer" "random" {
  zone_id          = var.zone_id
  name             = "random.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east, local.west]
  steering_policy  = "random"
  random_steering {
    pool_weights   = { (local.east) = var.changed ? 0.4 : 0.3 }
    default_weight = var.changed ? 0.8 : 0.9
  }
}

resource "cloudflare_load_balancer" "steering" {
  for_each = toset([
    "off", "geo", "random", "dynamic_latency", "proximity", "least_outstanding_requests", "least_connections",
  ])
  zone_id          = var.zone_id
  name             = "steering-${replace(each.key, "_", "-")}.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  description      = var.changed ? "by ${each.key}, changed" : "by ${each.key}"
  proxied          = true
  steering_policy  = each.key
}

resource "cloudflare_load_balancer" "location" {
  for_each = {
    always    = "resolver_ip"
    never     = "pop"
    proximity = "pop"
    geo       = "resolver_ip"
  }
  zone_id          = var.zone_id
  name             = "location-${each.key}.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  description      = var.changed ? "answers by place, changed" : "answers by place"
  location_strategy {
    prefer_ecs = each.key
    mode       = each.value
  }
}

resource "cloudflare_load_balancer" "adaptive" {
  zone_id          = var.zone_id
  name             = "adaptive.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  adaptive_routing {
    failover_across_pools = !var.changed
  }
}

resource "cloudflare_load_balancer" "emptied" {
  zone_id          = var.zone_id
  name             = "emptied.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  description      = var.changed ? null : "soon empty"
  enabled          = var.changed ? null : false
  proxied          = var.changed ? null : true
}

resource "cloudflare_load_balancer" "ttl" {
  zone_id          = var.zone_id
  name             = "ttl.${var.zone}"
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  ttl              = var.changed ? 120 : 300
}

resource "cloudflare_load_balancer" "apex" {
  zone_id          = var.zone_id
  name             = var.zone
  fallback_pool_id = local.east
  default_pool_ids = [local.east]
  enabled          = var.changed
}

resource "cloudflare_load_balancer" "wildcard" {
  zone_id          = var.zone_id
  name             = "*.${var.zone}"
  fallback_pool_id = var.changed ? local.west : local.east
  default_pool_ids = [local.east]
}
