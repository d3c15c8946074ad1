# Monitors: every type, every member.

resource "cloudflare_load_balancer_monitor" "basic" {
  account_id     = var.account_id
  expected_body  = var.changed ? "well" : "alive"
  expected_codes = "2xx"
}

resource "cloudflare_load_balancer_monitor" "no_body" {
  account_id     = var.account_id
  expected_body  = ""
  expected_codes = var.changed ? "200,204" : "2xx"
  description    = "any body will do"
}

resource "cloudflare_load_balancer_monitor" "full" {
  account_id       = var.account_id
  type             = "http"
  expected_body    = "dead"
  expected_codes   = "5xx"
  method           = "HEAD"
  timeout          = var.changed ? 8 : 9
  path             = "/custom"
  interval         = 60
  retries          = 5
  consecutive_up   = 2
  consecutive_down = var.changed ? 3 : 2
  port             = 8080
  description      = "fully specified"
  probe_zone       = var.zone
  header {
    header = "Host"
    values = [var.zone]
  }
  header {
    header = "X-App-ID"
    values = ["abc123", "def456"]
  }
}

resource "cloudflare_load_balancer_monitor" "https" {
  account_id       = var.account_id
  type             = "https"
  expected_codes   = "2xx"
  path             = var.changed ? "/live" : "/health"
  allow_insecure   = true
  follow_redirects = true
}

resource "cloudflare_load_balancer_monitor" "emptied" {
  account_id       = var.account_id
  type             = "https"
  expected_codes   = "200"
  expected_body    = var.changed ? null : "alive"
  description      = var.changed ? null : "soon empty"
  consecutive_up   = var.changed ? null : 2
  consecutive_down = var.changed ? null : 2
  probe_zone       = var.changed ? null : var.zone
  allow_insecure   = var.changed ? null : true
  follow_redirects = var.changed ? null : true
  interval         = var.changed ? null : 30
  retries          = var.changed ? null : 1
  timeout          = var.changed ? null : 3
}

resource "cloudflare_load_balancer_monitor" "tcp" {
  account_id  = var.account_id
  type        = "tcp"
  method      = "connection_established"
  timeout     = 7
  port        = var.changed ? 8081 : 8080
  interval    = 60
  retries     = 5
  description = "tcp"
}

resource "cloudflare_load_balancer_monitor" "tcp_defaults" {
  account_id  = var.account_id
  type        = "tcp"
  port        = 8080
  description = var.changed ? "tcp" : "TCP"
}

resource "cloudflare_load_balancer_monitor" "udp_icmp" {
  account_id  = var.account_id
  type        = "udp_icmp"
  timeout     = 2
  interval    = 60
  retries     = var.changed ? 4 : 5
  port        = 8080
  description = "udp_icmp"
}

resource "cloudflare_load_balancer_monitor" "icmp_ping" {
  account_id  = var.account_id
  type        = "icmp_ping"
  timeout     = 2
  interval    = var.changed ? 120 : 60
  retries     = 5
  description = "icmp_ping"
}

resource "cloudflare_load_balancer_monitor" "smtp" {
  account_id  = var.account_id
  type        = "smtp"
  timeout     = var.changed ? 3 : 2
  interval    = 60
  retries     = 5
  port        = 8025
  description = "smtp"
}
