// One client of the official SDK, and a short way to the objects that a call needs to be made on.

import { randomBytes } from "node:crypto";

import Cloudflare from "cloudflare";

export const ACCOUNT = process.env.EVENKEEL_ACCOUNT;

// Retries are off: they hide what happened.
export const sdk = new Cloudflare({
  apiToken: process.env.EVENKEEL_TOKEN,
  baseURL: process.env.EVENKEEL_URL,
  maxRetries: 0,
  timeout: 10_000,
});

export const lb = sdk.loadBalancers;
export const here = { account_id: ACCOUNT };
export const nobody = "0".repeat(32);

// 192.0.2.0/24 is nobody's; disabled, so that nothing is ever sent there.
export const nowhere = { name: "nowhere", address: "192.0.2.1", enabled: false };

export const probe = {
  type: "http", path: "/_probe", expected_codes: "200", interval: 60, timeout: 1, retries: 0,
};

/** The word with a tail that makes it a new name. */
export const unique = (word) => `${word}-${randomBytes(6).toString("hex")}`;

export const zone = () =>
  sdk.zones.create({ account: { id: ACCOUNT }, name: `${unique("ts")}.example` });

export const monitor = (fields) => lb.monitors.create({ ...here, ...probe, ...fields });

export const pool = (fields) =>
  lb.pools.create({ ...here, name: unique("pool"), origins: [nowhere], ...fields });

export const member = (monitor_id, fields) => ({
  monitor_id, enabled: true, must_be_healthy: false, monitoring_only: false, ...fields,
});

export const group = (monitors, fields) =>
  lb.monitorGroups.create({
    ...here, description: unique("group"), members: monitors.map(({ id }) => member(id)), ...fields,
  });

/** A new load balancer over one new pool in a new zone. */
export async function balancer(fields) {
  const [own, { id }] = [await zone(), await pool()];
  const wanted = { name: `www.${own.name}`, default_pools: [id], fallback_pool: id, ...fields };
  const made = await lb.create({ zone_id: own.id, ...wanted });
  return { made, zone: own };
}

/** A new load balancer of the account. */
export async function privateBalancer() {
  const { id } = await pool();
  const wanted = { name: `${unique("p")}.example`, default_pools: [id], fallback_pool: id };
  return lb.create({ ...here, ...wanted });
}

/** The dotted names of all methods of a resource of the SDK and of what lies below it. */
export function* methods(resource, path) {
  for (let type = Object.getPrototypeOf(resource); type !== Object.prototype; ) {
    for (const name of Object.getOwnPropertyNames(type)) {
      if (name !== "constructor" && typeof resource[name] === "function") yield `${path}.${name}`;
    }
    type = Object.getPrototypeOf(type);
  }
  for (const [name, part] of Object.entries(resource)) {
    if (name !== "_client" && part?._client) yield* methods(part, `${path}.${name}`);
  }
}

/** The `result` of a raw answer as JSON, with its envelope checked. */
export async function document(call) {
  const envelope = await (await call.asResponse()).json();
  if (!envelope.success || envelope.errors.length || !Array.isArray(envelope.messages)) {
    throw new Error(`no success: ${JSON.stringify(envelope)}`);
  }
  return envelope.result;
}
