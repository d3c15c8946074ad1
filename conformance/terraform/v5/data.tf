# Data sources: one object by its id, all there are of a kind.

data "cloudflare_zone" "one" {
  filter = { name = cloudflare_zone.full.name }
}

data "cloudflare_load_balancer" "one" {
  zone_id          = var.zone_id
  load_balancer_id = cloudflare_load_balancer.documented.id
}

data "cloudflare_load_balancers" "all" {
  zone_id    = var.zone_id
  depends_on = [cloudflare_load_balancer.documented, cloudflare_load_balancer.minimal]
}

data "cloudflare_load_balancer_pool" "one" {
  account_id = var.account_id
  pool_id    = cloudflare_load_balancer_pool.full.id
}

data "cloudflare_load_balancer_pools" "watched" {
  account_id = var.account_id
  monitor    = cloudflare_load_balancer_pool.full.monitor
}

data "cloudflare_load_balancer_monitor" "one" {
  account_id = var.account_id
  monitor_id = cloudflare_load_balancer_monitor.full.id
}

data "cloudflare_load_balancer_monitors" "all" {
  account_id = var.account_id
  depends_on = [cloudflare_load_balancer_monitor.full]
}

data "cloudflare_load_balancer_monitor_group" "one" {
  account_id       = var.account_id
  monitor_group_id = cloudflare_load_balancer_monitor_group.primary.id
}

data "cloudflare_load_balancer_monitor_groups" "all" {
  account_id = var.account_id
  depends_on = [cloudflare_load_balancer_monitor_group.primary]
}

# Each is true when the data say what the resources say.
output "agree" {
  value = {
    zone          = data.cloudflare_zone.one.id == cloudflare_zone.full.id
    load_balancer = data.cloudflare_load_balancer.one.name == cloudflare_load_balancer.documented.name
    load_balancers = length(setsubtract(
      [cloudflare_load_balancer.documented.id, cloudflare_load_balancer.minimal.id],
      data.cloudflare_load_balancers.all.result[*].id,
    )) == 0
    pool     = data.cloudflare_load_balancer_pool.one.origins[*].address == cloudflare_load_balancer_pool.full.origins[*].address
    pools    = contains(data.cloudflare_load_balancer_pools.watched.result[*].id, cloudflare_load_balancer_pool.full.id)
    monitor  = data.cloudflare_load_balancer_monitor.one.header == cloudflare_load_balancer_monitor.full.header
    monitors = contains(data.cloudflare_load_balancer_monitors.all.result[*].id, cloudflare_load_balancer_monitor.full.id)
    group    = data.cloudflare_load_balancer_monitor_group.one.description == cloudflare_load_balancer_monitor_group.primary.description
    groups   = contains(data.cloudflare_load_balancer_monitor_groups.all.result[*].id, cloudflare_load_balancer_monitor_group.primary.id)
  }
}
