# Zones, and the data sources around them.

resource "cloudflare_zone" "full" {
  account_id = var.account_id
  zone       = "shop.${var.zone}"
  type       = "full"
  paused     = var.changed
}

data "cloudflare_zone" "one" {
  zone_id = cloudflare_zone.full.id
}

data "cloudflare_load_balancer_pools" "all" {
  account_id = var.account_id
  depends_on = [cloudflare_load_balancer_pool.full]
  filter {
    name = "full-.*"
  }
}

# Each is true when the data say what the resources say.
output "agree" {
  value = {
    zone  = data.cloudflare_zone.one.name == cloudflare_zone.full.zone
    pools = contains(data.cloudflare_load_balancer_pools.all.pools[*].id, cloudflare_load_balancer_pool.full.id)
  }
}
