# What every other file here uses. `changed` turns each resource into what its user edits it to.

terraform {
  required_providers {
    cloudflare = {
      source = "cloudflare/cloudflare"
    }
  }
}

provider "cloudflare" {}

variable "account_id" {
  type = string
}

variable "zone_id" {
  type = string
}

variable "zone" {
  type = string
}

variable "run" {
  type = string
}

variable "changed" {
  type = bool
}
