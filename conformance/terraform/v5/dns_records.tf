# DNS records beside load balancers: by content, by data, with what hangs on them.

resource "cloudflare_dns_record" "a" {
  zone_id = var.zone_id
  name    = "a.records.${var.zone}"
  type    = "A"
  content = var.changed ? "192.0.2.11" : "192.0.2.10"
  ttl     = 3600
}

resource "cloudflare_dns_record" "aaaa" {
  zone_id = var.zone_id
  name    = "aaaa.records.${var.zone}"
  type    = "AAAA"
  content = "2001:db8::10"
  ttl     = var.changed ? 600 : 3600
  proxied = false
}

# To a load balancer, under another name.
resource "cloudflare_dns_record" "cname" {
  zone_id = var.zone_id
  name    = "alias.records.${var.zone}"
  type    = "CNAME"
  content = cloudflare_load_balancer.documented.name
  ttl     = 1
  proxied = true
  comment = var.changed ? "the shop's other name" : null
}

resource "cloudflare_dns_record" "mixed_case" {
  zone_id = var.zone_id
  name    = "selector2._domainkey.records.${var.zone}"
  type    = "CNAME"
  content = "selector2-test._domainkey.MixedCase.example.com"
  ttl     = var.changed ? 120 : 60
  proxied = false
}

resource "cloudflare_dns_record" "settings" {
  zone_id  = var.zone_id
  name     = "settings.records.${var.zone}"
  type     = "CNAME"
  content  = "target.${var.zone}"
  ttl      = var.changed ? 300 : 3600
  proxied  = false
  settings = { flatten_cname = false }
  tags     = []
}

resource "cloudflare_dns_record" "tags" {
  zone_id = var.zone_id
  name    = "tags.records.${var.zone}"
  type    = "A"
  content = "192.0.2.12"
  ttl     = 3600
  comment = "this is a comment"
  tags    = var.changed ? ["owner:dns-team"] : ["tag1", "env:test"]
}

resource "cloudflare_dns_record" "commented" {
  zone_id = var.zone_id
  name    = "commented.records.${var.zone}"
  type    = "A"
  content = "192.0.2.13"
  ttl     = 3600
  comment = var.changed ? null : "soon gone"
}

resource "cloudflare_dns_record" "txt" {
  zone_id = var.zone_id
  name    = "txt.records.${var.zone}"
  type    = "TXT"
  content = var.changed ? "\"v=spf1 -all\"" : "\"v=spf1 include:example.com -all\""
  ttl     = 300
}

resource "cloudflare_dns_record" "mx" {
  zone_id  = var.zone_id
  name     = "mx.records.${var.zone}"
  type     = "MX"
  content  = "mail.example.com"
  priority = var.changed ? 10 : 0
  ttl      = 300
}

resource "cloudflare_dns_record" "caa" {
  zone_id = var.zone_id
  name    = "caa.records.${var.zone}"
  type    = "CAA"
  ttl     = 3600
  data = {
    flags = "0"
    tag   = "issue"
    value = var.changed ? "ca.example.org" : "letsencrypt.org"
  }
}

resource "cloudflare_dns_record" "srv" {
  zone_id  = var.zone_id
  name     = "_xmpp-client._tcp.records.${var.zone}"
  type     = "SRV"
  ttl      = 3600
  priority = 5
  data = {
    priority = 5
    weight   = 0
    port     = var.changed ? 5223 : 5222
    target   = "talk.example.com"
  }
}

resource "cloudflare_dns_record" "loc" {
  zone_id = var.zone_id
  name    = "loc.records.${var.zone}"
  type    = "LOC"
  ttl     = var.changed ? 600 : 3600
  data = {
    lat_degrees    = 37
    lat_minutes    = 46
    lat_seconds    = 46
    lat_direction  = "N"
    long_degrees   = 122
    long_minutes   = 23
    long_seconds   = 35
    long_direction = "W"
    altitude       = 0
    size           = 100
    precision_horz = 0
    precision_vert = 0
  }
}

resource "cloudflare_dns_record" "https" {
  zone_id = var.zone_id
  name    = "https.records.${var.zone}"
  type    = "HTTPS"
  ttl     = 300
  data = {
    priority = 1
    target   = "."
    value    = var.changed ? "alpn=\"h3,h2\"" : "alpn=\"h2\""
  }
}
