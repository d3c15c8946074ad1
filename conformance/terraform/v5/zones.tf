# Zones: what an account of load balancers needs of them.

resource "cloudflare_zone" "full" {
  account = { id = var.account_id }
  name    = "shop.${var.zone}"
  type    = "full"
  paused  = var.changed
}

resource "cloudflare_zone" "minimal" {
  account = { id = var.account_id }
  name    = "minimal.${var.zone}"
}
