# Load balancers: steering, geography, DNS and the host name. Rules and sessions have their own files.

locals {
  east = cloudflare_load_balancer_pool.east.id
  west = cloudflare_load_balancer_pool.west.id
}

resource "cloudflare_load_balancer" "minimal" {
  zone_id       = var.zone_id
  name          = "minimal.${var.zone}"
  fallback_pool = local.east
  default_pools = var.changed ? [local.west, local.east] : [local.east]
}

resource "cloudflare_load_balancer" "basic" {
  zone_id          = var.zone_id
  name             = var.changed ? "renamed.${var.zone}" : "basic.${var.zone}"
  steering_policy  = "off"
  session_affinity = "none"
  fallback_pool    = local.east
  default_pools    = [local.east]
}

resource "cloudflare_load_balancer" "documented" {
  zone_id          = var.zone_id
  name             = "documented.${var.zone}"
  fallback_pool    = local.west
  default_pools    = [local.east, local.west]
  adaptive_routing = { failover_across_pools = true }
  country_pools = {
    GB = [local.east]
    US = [local.west, local.east]
  }
  description = "Load Balancer for documented.${var.zone}"
  enabled     = true
  location_strategy = {
    mode       = "resolver_ip"
    prefer_ecs = "always"
  }
  networks = ["cloudflare"]
  pop_pools = {
    LAX = [local.west, local.east]
    LHR = [local.east, local.west]
    SJC = [local.west]
  }
  proxied = true
  random_steering = {
    default_weight = 0.2
    pool_weights   = { (local.east) = 0.5, (local.west) = var.changed ? 0.35 : 0.3 }
  }
  region_pools = {
    ENAM = [local.east]
    WNAM = [local.west, local.east]
  }
  session_affinity = "cookie"
  session_affinity_attributes = {
    drain_duration         = 100
    samesite               = "Auto"
    secure                 = "Auto"
    zero_downtime_failover = "sticky"
  }
  session_affinity_ttl = 1800
  steering_policy      = "dynamic_latency"
  ttl                  = 30
}

# From places of three sizes to one: maps that a PUT leaves out are cleared.
resource "cloudflare_load_balancer" "geo" {
  zone_id          = var.zone_id
  name             = "geo.${var.zone}"
  fallback_pool    = local.east
  default_pools    = [local.east]
  description      = "by place"
  proxied          = true
  steering_policy  = "geo"
  pop_pools        = var.changed ? {} : { LAX = [local.east] }
  country_pools    = var.changed ? {} : { US = [local.east, local.west] }
  region_pools     = { WNAM = [local.east], SAS = [local.west] }
  session_affinity = "none"
}

# The same, with the maps taken out of the file.
resource "cloudflare_load_balancer" "geo_removed" {
  zone_id         = var.zone_id
  name            = "geo-removed.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  proxied         = true
  steering_policy = var.changed ? "off" : "geo"
  pop_pools       = var.changed ? null : { LHR = [local.west] }
  country_pools   = var.changed ? null : { IN = [local.west] }
  region_pools    = var.changed ? null : { WEU = [local.west] }
}

resource "cloudflare_load_balancer" "geo_moved" {
  zone_id          = var.zone_id
  name             = "geo-moved.${var.zone}"
  fallback_pool    = local.east
  default_pools    = [local.east]
  proxied          = true
  steering_policy  = "geo"
  pop_pools        = var.changed ? null : { LAX = [local.east] }
  country_pools    = var.changed ? null : { US = [local.east] }
  region_pools     = var.changed ? { WNAM = [local.east] } : null
  session_affinity = "cookie"
}

# Without a policy the maps decide it.
resource "cloudflare_load_balancer" "geo_implied" {
  zone_id         = var.zone_id
  name            = "geo-implied.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  description     = var.changed ? "implied" : null
  steering_policy = ""
  region_pools    = { WNAM = [local.east] }
}

# Maps without an effect stay as they are.
resource "cloudflare_load_balancer" "geo_inactive" {
  zone_id         = var.zone_id
  name            = "geo-inactive.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  steering_policy = var.changed ? "random" : "off"
  country_pools   = { US = [local.west] }
}

resource "cloudflare_load_balancer" "empty_maps" {
  zone_id         = var.zone_id
  name            = "empty-maps.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  steering_policy = "off"
  description     = var.changed ? "still empty" : "empty"
  pop_pools       = {}
  country_pools   = {}
  region_pools    = {}
}

resource "cloudflare_load_balancer" "random" {
  zone_id         = var.zone_id
  name            = "random.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east, local.west]
  steering_policy = "random"
  random_steering = {
    pool_weights   = { (local.east) = var.changed ? 0.4 : 0.3 }
    default_weight = var.changed ? 0.8 : 0.9
  }
  session_affinity = "none"
}

resource "cloudflare_load_balancer" "weights_removed" {
  zone_id         = var.zone_id
  name            = "weights-removed.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  steering_policy = "random"
  random_steering = {
    default_weight = 1.00
    pool_weights   = var.changed ? null : { (local.east) = 0.56 }
  }
}

resource "cloudflare_load_balancer" "steering" {
  for_each = toset([
    "off", "geo", "random", "dynamic_latency", "proximity", "least_outstanding_requests", "least_connections",
  ])
  zone_id         = var.zone_id
  name            = "steering-${replace(each.key, "_", "-")}.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  description     = var.changed ? "by ${each.key}, changed" : "by ${each.key}"
  proxied         = true
  steering_policy = each.key
}

resource "cloudflare_load_balancer" "location" {
  for_each = {
    always    = "resolver_ip"
    never     = "pop"
    proximity = "pop"
    geo       = "resolver_ip"
  }
  zone_id         = var.zone_id
  name            = "location-${each.key}.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  description     = var.changed ? "answers by place, changed" : "answers by place"
  ttl             = 30
  proxied         = false
  steering_policy = "off"
  location_strategy = {
    prefer_ecs = each.key
    mode       = var.changed ? "pop" : each.value
  }
}

resource "cloudflare_load_balancer" "adaptive" {
  zone_id          = var.zone_id
  name             = "adaptive.${var.zone}"
  fallback_pool    = local.east
  default_pools    = [local.east]
  steering_policy  = "off"
  adaptive_routing = { failover_across_pools = !var.changed }
  session_affinity = "cookie"
}

# All that was set goes away again.
resource "cloudflare_load_balancer" "emptied" {
  zone_id           = var.zone_id
  name              = "emptied.${var.zone}"
  fallback_pool     = local.east
  default_pools     = [local.east]
  steering_policy   = "off"
  description       = var.changed ? null : "soon empty"
  enabled           = var.changed ? null : false
  proxied           = var.changed ? null : true
  adaptive_routing  = var.changed ? null : { failover_across_pools = true }
  location_strategy = var.changed ? null : { mode = "resolver_ip", prefer_ecs = "geo" }
  random_steering   = var.changed ? null : { default_weight = 0.5 }
}

resource "cloudflare_load_balancer" "ttl" {
  zone_id         = var.zone_id
  name            = "ttl.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  steering_policy = "off"
  ttl             = var.changed ? 120 : 300
}

resource "cloudflare_load_balancer" "disabled" {
  zone_id         = var.zone_id
  name            = "disabled.${var.zone}"
  fallback_pool   = local.east
  default_pools   = [local.east]
  steering_policy = "off"
  enabled         = var.changed
}

resource "cloudflare_load_balancer" "apex" {
  zone_id         = var.zone_id
  name            = var.zone
  fallback_pool   = local.east
  default_pools   = [local.east]
  steering_policy = "off"
  proxied         = var.changed
}

resource "cloudflare_load_balancer" "wildcard" {
  zone_id         = var.zone_id
  name            = "*.${var.zone}"
  fallback_pool   = var.changed ? local.west : local.east
  default_pools   = [local.east]
  steering_policy = "off"
}
