# Pools: every member of the provider's documentation, and the fixtures of its own acceptance tests.

resource "cloudflare_load_balancer_pool" "east" {
  account_id = var.account_id
  name       = "east-${var.run}"
  origins {
    name    = "a"
    address = "192.0.2.1"
  }
}

resource "cloudflare_load_balancer_pool" "west" {
  account_id = var.account_id
  name       = "west-${var.run}"
  origins {
    name    = "a"
    address = "192.0.2.2"
  }
}

resource "cloudflare_load_balancer_pool" "coordinates" {
  account_id = var.account_id
  name       = "coordinates-${var.run}"
  latitude   = 12.3
  longitude  = var.changed ? -122.4194 : 55
  origins {
    name    = "example-1"
    address = "192.0.2.1"
    enabled = true
  }
}

resource "cloudflare_load_balancer_pool" "full" {
  account_id = var.account_id
  name       = "full-${var.run}"
  origins {
    name    = "example-1"
    address = "192.0.2.1"
    enabled = var.changed
    weight  = 1.0
    header {
      header = "Host"
      values = ["test1.${var.zone}"]
    }
  }
  origins {
    name    = "example-2"
    address = "192.0.2.2"
    weight  = 0.5
    header {
      header = "Host"
      values = ["test2.${var.zone}"]
    }
  }
  load_shedding {
    default_percent = var.changed ? 25.5 : 55
    default_policy  = "random"
    session_percent = 12
    session_policy  = "hash"
  }
  latitude  = 55
  longitude = -12
  origin_steering {
    policy = var.changed ? "hash" : "random"
  }
  check_regions      = var.changed ? ["WEU", "ENAM"] : ["WEU"]
  description        = "fully specified"
  enabled            = var.changed
  minimum_origins    = 2
  monitor            = cloudflare_load_balancer_monitor.https.id
  notification_email = "someone@example.com"
}

# All that was set goes away again.
resource "cloudflare_load_balancer_pool" "emptied" {
  account_id = var.account_id
  name       = "emptied-${var.run}"
  origins {
    name    = "a"
    address = "192.0.2.1"
    weight  = var.changed ? null : 0.5
  }
  description        = var.changed ? null : "soon empty"
  monitor            = var.changed ? null : cloudflare_load_balancer_monitor.https.id
  check_regions      = var.changed ? null : ["WEU"]
  notification_email = var.changed ? null : "someone@example.com"
}

resource "cloudflare_load_balancer_pool" "least_connections" {
  account_id = var.account_id
  name       = "least-connections-${var.run}"
  origins {
    name    = "a"
    address = "192.0.2.1"
    enabled = true
  }
  origin_steering {
    policy = var.changed ? "least_outstanding_requests" : "least_connections"
  }
}

# With its policies said: the provider would plan those of the service back to "".
resource "cloudflare_load_balancer_pool" "shedding" {
  account_id = var.account_id
  name       = "shedding-${var.run}"
  origins {
    name    = "a"
    address = "192.0.2.1"
  }
  load_shedding {
    default_percent = var.changed ? 10 : 5
    default_policy  = "random"
    session_policy  = "hash"
  }
}

resource "cloudflare_load_balancer_pool" "addresses" {
  account_id = var.account_id
  name       = var.changed ? "renamed-${var.run}" : "addresses-${var.run}"
  origins {
    name    = "v6"
    address = "2001:db8::1"
    weight  = 0.33
  }
  origins {
    name    = "host"
    address = var.changed ? "b.endpoint.example" : "a.endpoint.example"
    weight  = 0
  }
}

resource "cloudflare_load_balancer_pool" "virtual_network" {
  account_id = var.account_id
  name       = "virtual-network-${var.run}"
  latitude   = 12.3
  longitude  = 55
  origins {
    name               = "example-1"
    address            = "192.0.2.1"
    virtual_network_id = "a5624d4e-044a-4ff0-b3e1-e2465353d4b4"
    enabled            = !var.changed
  }
}
