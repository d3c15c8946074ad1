# Pools: every member of the provider's documentation, and the fixtures of its own acceptance tests.

resource "cloudflare_load_balancer_pool" "east" {
  account_id = var.account_id
  name       = "east-${var.run}"
  origins    = [{ name = "a", address = "192.0.2.1" }]
}

resource "cloudflare_load_balancer_pool" "west" {
  account_id = var.account_id
  name       = "west-${var.run}"
  origins    = [{ name = "a", address = "192.0.2.2" }]
}

resource "cloudflare_load_balancer_pool" "coordinates" {
  account_id = var.account_id
  name       = "coordinates-${var.run}"
  latitude   = 12.3
  longitude  = var.changed ? -122.4194 : 55
  origins = [{
    name    = "example-1"
    address = "192.0.2.1"
    enabled = true
  }]
}

# Zero is a place in the gulf of Guinea, not the absence of one.
resource "cloudflare_load_balancer_pool" "zeros" {
  account_id      = var.account_id
  name            = "zeros-${var.run}"
  latitude        = 0
  longitude       = 0
  minimum_origins = 0
  description     = var.changed ? "zeros" : null
  origins = [{
    name    = "a"
    address = "192.0.2.1"
    port    = 0
    weight  = 0
  }]
  load_shedding = {
    default_percent = 0
    default_policy  = "random"
    session_percent = 0
    session_policy  = "hash"
  }
}

resource "cloudflare_load_balancer_pool" "full" {
  account_id = var.account_id
  name       = "full-${var.run}"
  origins = [
    {
      name    = "example-1"
      address = "192.0.2.1"
      enabled = var.changed
      weight  = 1.0
      header  = { host = ["test1.${var.zone}"] }
    },
    {
      name          = "example-2"
      address       = "192.0.2.2"
      weight        = 0.5
      port          = var.changed ? 8080 : 8443
      flatten_cname = false
      header        = { host = ["test2.${var.zone}"] }
    },
  ]
  load_shedding = {
    default_percent = var.changed ? 25.5 : 55
    default_policy  = "random"
    session_percent = 12
    session_policy  = "hash"
  }
  latitude           = 12.3
  longitude          = 55
  origin_steering    = { policy = var.changed ? "hash" : "random" }
  check_regions      = var.changed ? ["WEU", "ENAM"] : ["WEU"]
  description        = "fully specified"
  enabled            = var.changed
  minimum_origins    = 2
  monitor            = cloudflare_load_balancer_monitor.https.id
  notification_email = "someone@example.com,sometwo@example.com"
  notification_filter = {
    origin = { disable = true, healthy = null }
    pool   = { disable = false, healthy = var.changed ? true : false }
  }
}

# All that was set goes away again.
resource "cloudflare_load_balancer_pool" "emptied" {
  account_id          = var.account_id
  name                = "emptied-${var.run}"
  origins             = [{ name = "a", address = "192.0.2.1", port = var.changed ? null : 8080 }]
  description         = var.changed ? null : "soon empty"
  monitor             = var.changed ? null : cloudflare_load_balancer_monitor.https.id
  check_regions       = var.changed ? null : ["WEU"]
  latitude            = var.changed ? null : 12.3
  longitude           = var.changed ? null : 55
  origin_steering     = var.changed ? null : { policy = "hash" }
  notification_filter = var.changed ? null : { pool = { disable = true } }
  notification_email  = var.changed ? null : "someone@example.com"
}

# In an order that is not that of their names, which another service would sort.
resource "cloudflare_load_balancer_pool" "order" {
  account_id = var.account_id
  name       = "order-${var.run}"
  origins = [for name in var.changed ? ["c", "b", "a"] : ["b", "a"] : {
    name    = name
    address = "${name}.endpoint.example"
  }]
}

resource "cloudflare_load_balancer_pool" "least_connections" {
  account_id      = var.account_id
  name            = "least-connections-${var.run}"
  origins         = [{ name = "a", address = "192.0.2.1", enabled = true }]
  origin_steering = { policy = var.changed ? "least_outstanding_requests" : "least_connections" }
}

resource "cloudflare_load_balancer_pool" "shedding_defaults" {
  account_id    = var.account_id
  name          = "shedding-defaults-${var.run}"
  origins       = [{ name = "a", address = "192.0.2.1" }]
  load_shedding = var.changed ? { session_percent = 7 } : {}
}

resource "cloudflare_load_balancer_pool" "addresses" {
  account_id = var.account_id
  name       = "addresses-${var.run}"
  origins = [
    { name = "host", address = var.changed ? "b.endpoint.example" : "a.endpoint.example" },
    { name = "one-port", address = "192.0.2.1", port = 8080, weight = 0.33 },
    { name = "other-port", address = "192.0.2.1", port = 8081, weight = 0.07 },
    { name = "v6", address = "2001:db8::1" },
  ]
}

resource "cloudflare_load_balancer_pool" "virtual_network" {
  account_id = var.account_id
  name       = "virtual-network-${var.run}"
  latitude   = 12.3
  longitude  = 55
  origins = [{
    name               = "example-1"
    address            = "192.0.2.1"
    virtual_network_id = "a5624d4e-044a-4ff0-b3e1-e2465353d4b4"
    enabled            = !var.changed
  }]
}

resource "cloudflare_load_balancer_pool" "sources" {
  account_id     = var.account_id
  name           = "sources-${var.run}"
  origins        = [{ name = "a", address = "192.0.2.1" }]
  check_regions  = ["WEU", "EEU"]
  health_sources = var.changed ? null : ["regional", "global"]
}

resource "cloudflare_load_balancer_pool" "everywhere" {
  account_id    = var.account_id
  name          = var.changed ? "renamed-${var.run}" : "everywhere-${var.run}"
  origins       = [{ name = "a", address = "192.0.2.1" }]
  check_regions = ["ALL_REGIONS"]
}
