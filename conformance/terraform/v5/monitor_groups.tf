# Monitor groups, and a pool that is watched by one.

resource "cloudflare_load_balancer_monitor_group" "primary" {
  account_id  = var.account_id
  description = var.changed ? "primary data centre, changed" : "primary data centre"
  members = [
    {
      monitor_id      = cloudflare_load_balancer_monitor.basic.id
      enabled         = true
      monitoring_only = false
      must_be_healthy = true
    },
    {
      monitor_id      = cloudflare_load_balancer_monitor.https.id
      enabled         = var.changed
      monitoring_only = true
      must_be_healthy = false
    },
  ]
}

resource "cloudflare_load_balancer_pool" "grouped" {
  account_id    = var.account_id
  name          = "grouped-${var.run}"
  origins       = [{ name = "a", address = "192.0.2.1" }]
  monitor_group = var.changed ? null : cloudflare_load_balancer_monitor_group.primary.id
}
