// Every load-balancing method of the official TypeScript SDK, one by one. The methods are read from
// the SDK itself: a newer version with one more fails here until there is a row for it.

import assert from "node:assert/strict";
import { test } from "node:test";

import Cloudflare from "cloudflare";

import {
  ACCOUNT, balancer, document, group, here, lb, member, methods, monitor, nobody, nowhere, pool,
  privateBalancer, probe, sdk, unique, zone,
} from "./world.mjs";

/** The call is refused with this exception of the SDK, and with an error of this code. */
async function refused(call, kind, status, code) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof kind, `${error}`);
    assert.equal(error.status, status);
    assert.equal(error.errors[0].code, code);
    assert.equal(typeof error.errors[0].message, "string");
    return true;
  });
}

const isGone = (call) => refused(call, Cloudflare.NotFoundError, 404, 1001);
const isInvalid = (call, code = 1002) => refused(call, Cloudflare.BadRequestError, 400, code);
const isInUse = (call) => refused(call, Cloudflare.APIError, 412, 1005);

const ids = (page) => page.result.map(({ id }) => id);
const words = ({ reference_type, resource_type, resource_id, resource_name }) =>
  [reference_type, resource_type, resource_id, resource_name].join(" ");

const rows = {
  // Load balancers, of zones and of accounts.

  "loadBalancers.create": async () => {
    const { made, zone } = await balancer();
    assert.equal(made.name, `www.${zone.name}`);
    assert.equal(made.zone_name, zone.name);
    assert.equal(made.steering_policy, "off");
    assert.equal((await privateBalancer()).zone_name, undefined);
    const wrong = { name: "bare", default_pools: made.default_pools, fallback_pool: nobody };
    await isInvalid(lb.create({ zone_id: zone.id, ...wrong }));
  },
  "loadBalancers.get": async () => {
    const { made, zone } = await balancer({ description: "read" });
    assert.deepEqual(await lb.get(made.id, { zone_id: zone.id }), made);
    const own = await privateBalancer();
    assert.deepEqual(await lb.get(own.id, here), own);
    await isGone(lb.get(own.id, { zone_id: zone.id }));
  },
  "loadBalancers.list": async () => {
    const { made, zone } = await balancer();
    const listed = [];
    for await (const one of lb.list({ zone_id: zone.id })) listed.push(one);
    assert.deepEqual(listed, [made]);
    const own = await privateBalancer();
    const page = await lb.list(here);
    assert.ok(ids(page).includes(own.id) && !ids(page).includes(made.id));
    assert.equal(page.hasNextPage(), false);
  },
  "loadBalancers.update": async () => {
    const { made, zone } = await balancer({ description: "old", session_affinity: "cookie" });
    const { default_pools, fallback_pool } = made;
    const wanted = { name: `new.${zone.name}`, default_pools, fallback_pool };
    const put = await lb.update(made.id, { zone_id: zone.id, ...wanted });
    assert.deepEqual([put.id, put.created_on, put.name], [made.id, made.created_on, wanted.name]);
    assert.deepEqual([put.description, put.session_affinity], ["", "none"]);
    const same = await lb.update(made.id, { zone_id: zone.id, ...put });
    assert.deepEqual({ ...same, modified_on: "" }, { ...put, modified_on: "" });
    const own = await privateBalancer();
    const moved = await lb.update(own.id, { ...here, ...wanted, name: own.name });
    assert.deepEqual(moved.default_pools, default_pools);
  },
  "loadBalancers.edit": async () => {
    const { made, zone } = await balancer({ description: "old", session_affinity: "cookie" });
    const patched = await lb.edit(made.id, { zone_id: zone.id, description: "new" });
    assert.deepEqual([patched.description, patched.session_affinity], ["new", "cookie"]);
    const reset = await lb.edit(made.id, { zone_id: zone.id, description: null });
    assert.deepEqual([reset.description, reset.session_affinity], ["", "cookie"]);
    const own = await privateBalancer();
    assert.equal((await lb.edit(own.id, { ...here, description: "new" })).description, "new");
  },
  "loadBalancers.delete": async () => {
    const { made, zone } = await balancer();
    assert.equal((await lb.delete(made.id, { zone_id: zone.id })).id, made.id);
    await isGone(lb.get(made.id, { zone_id: zone.id }));
    const own = await privateBalancer();
    assert.equal((await lb.delete(own.id, here)).id, own.id);
    await isGone(lb.delete(own.id, here));
  },

  // Pools.

  "loadBalancers.pools.create": async () => {
    const { id } = await monitor();
    const made = await pool({ monitor: id, latitude: 1.5, longitude: 0, minimum_origins: 0 });
    assert.deepEqual([made.monitor, made.latitude, made.longitude], [id, 1.5, 0]);
    assert.deepEqual([made.minimum_origins, made.enabled], [0, true]);
    await isInvalid(pool({ name: made.name }), 1003);
    await isInvalid(pool({ origins: [] }));
  },
  "loadBalancers.pools.get": async () => {
    const made = await pool({ description: "read" });
    assert.deepEqual(await lb.pools.get(made.id, here), made);
    await isGone(lb.pools.get(nobody, here));
  },
  "loadBalancers.pools.list": async () => {
    const { id } = await monitor();
    const made = [await pool({ monitor: id }), await pool({ monitor: id }), await pool()];
    const names = [];
    for await (const { name } of lb.pools.list(here)) names.push(name);
    assert.deepEqual(names, [...names].sort());
    for (const { name } of made) assert.ok(names.includes(name));
    const filtered = await lb.pools.list({ ...here, monitor: id });
    assert.deepEqual(ids(filtered).sort(), [made[0].id, made[1].id].sort());
  },
  "loadBalancers.pools.update": async () => {
    const made = await pool({ description: "old", load_shedding: { default_percent: 5 } });
    const put = await lb.pools.update(made.id, { ...here, name: made.name, origins: [nowhere] });
    assert.deepEqual([put.id, put.created_on], [made.id, made.created_on]);
    assert.deepEqual([put.description, put.load_shedding], ["", undefined]);
    const same = await lb.pools.update(made.id, { ...here, ...put });
    assert.deepEqual({ ...same, modified_on: "" }, { ...put, modified_on: "" });
  },
  "loadBalancers.pools.edit": async () => {
    const made = await pool({ description: "kept" });
    const patched = await lb.pools.edit(made.id, { ...here, enabled: false });
    assert.deepEqual([patched.enabled, patched.description], [false, "kept"]);
    assert.ok(patched.disabled_at);
    const again = await lb.pools.edit(made.id, { ...here, enabled: true });
    assert.equal(again.disabled_at, undefined);
  },
  "loadBalancers.pools.bulkEdit": async () => {
    const made = await pool({ notification_email: "a@example.com" });
    const changed = await lb.pools.bulkEdit({ ...here, notification_email: "" });
    assert.ok(ids(changed).includes(made.id));
    assert.equal((await lb.pools.get(made.id, here)).notification_email, "");
  },
  "loadBalancers.pools.delete": async () => {
    const made = await pool();
    assert.equal((await lb.pools.delete(made.id, here)).id, made.id);
    await isGone(lb.pools.get(made.id, here));
    const used = await balancer();
    await isInUse(lb.pools.delete(used.made.fallback_pool, here));
  },
  "loadBalancers.pools.references.get": async () => {
    const watch = await monitor({ description: "door bell" });
    const one = await pool({ monitor: watch.id });
    const { made } = await balancer({ country_pools: { GB: [one.id] } });
    const found = await lb.pools.references.get(one.id, here);
    assert.deepEqual(found.result.map(words).sort(), [
      `referral monitor ${watch.id} door bell`,
      `referrer load_balancer ${made.id} ${made.name}`,
    ]);
  },
  "loadBalancers.pools.health.get": async () => {
    const one = await pool();
    assert.equal((await lb.pools.health.get(one.id, here)).pool_id, one.id);
    await isGone(lb.pools.health.get(nobody, here));
  },
  "loadBalancers.pools.health.create": async () => {
    const one = await pool();
    const made = await lb.pools.health.create(one.id, { ...here, ...probe });
    assert.deepEqual(made.pools, { [one.id]: one.name });
    assert.ok(made.preview_id);
  },

  // Monitors.

  "loadBalancers.monitors.create": async () => {
    const sent = { type: "https", header: { Host: ["a.example"], "X-A": ["b", "a"] }, port: 8443 };
    const made = await monitor(sent);
    for (const name of Object.keys(sent)) assert.deepEqual(made[name], sent[name]);
    await isInvalid(monitor({ interval: 0 }));
  },
  "loadBalancers.monitors.get": async () => {
    const made = await monitor();
    assert.deepEqual(await lb.monitors.get(made.id, here), made);
    await isGone(lb.monitors.get(nobody, here));
  },
  "loadBalancers.monitors.list": async () => {
    const made = [(await monitor()).id, (await monitor()).id];
    const listed = ids(await lb.monitors.list(here));
    assert.deepEqual(listed.filter((id) => made.includes(id)), made);
  },
  "loadBalancers.monitors.update": async () => {
    const made = await monitor({ description: "old" });
    const put = await lb.monitors.update(made.id, { ...here, ...probe });
    assert.deepEqual([put.id, put.created_on, put.description], [made.id, made.created_on, ""]);
    const same = await lb.monitors.update(made.id, { ...here, ...put });
    assert.deepEqual({ ...same, modified_on: "" }, { ...put, modified_on: "" });
  },
  "loadBalancers.monitors.edit": async () => {
    const made = await monitor({ description: "kept", port: 81 });
    const patched = await lb.monitors.edit(made.id, { ...here, path: "/new", port: null });
    assert.deepEqual([patched.path, patched.description, patched.port], ["/new", "kept", undefined]);
  },
  "loadBalancers.monitors.delete": async () => {
    const made = await monitor();
    assert.equal((await lb.monitors.delete(made.id, here)).id, made.id);
    await isGone(lb.monitors.get(made.id, here));
    const used = await monitor();
    await pool({ monitor: used.id });
    await isInUse(lb.monitors.delete(used.id, here));
  },
  "loadBalancers.monitors.references.get": async () => {
    const watch = await monitor();
    const [one, several] = [await pool({ monitor: watch.id }), await group([watch])];
    const found = (await lb.monitors.references.get(watch.id, here)).result;
    assert.ok(found.map(words).includes(`referrer pool ${one.id} ${one.name}`));
    assert.ok(found.some(({ resource_id }) => resource_id === several.id));
  },
  "loadBalancers.monitors.previews.create": async () => {
    const watch = await monitor();
    const one = await pool({ monitor: watch.id });
    const made = await lb.monitors.previews.create(watch.id, { ...here, ...probe });
    assert.deepEqual(made.pools, { [one.id]: one.name });
    assert.ok(made.preview_id);
  },

  // Monitor groups.

  "loadBalancers.monitorGroups.create": async () => {
    const [a, b] = [await monitor(), await monitor()];
    const members = [member(a.id, { must_be_healthy: true }), member(b.id, { enabled: false })];
    const made = await group([], { description: "checkout", members });
    assert.equal(made.description, "checkout");
    for (const [index, one] of made.members.entries()) {
      const { created_at, updated_at, ...sent } = one;
      assert.deepEqual(sent, members[index]);
      assert.ok(created_at && updated_at);
    }
  },
  "loadBalancers.monitorGroups.get": async () => {
    const made = await group([await monitor()]);
    assert.deepEqual(await lb.monitorGroups.get(made.id, here), made);
    await isGone(lb.monitorGroups.get(nobody, here));
  },
  "loadBalancers.monitorGroups.list": async () => {
    const watch = await monitor();
    const made = [(await group([watch])).id, (await group([watch])).id];
    const listed = ids(await lb.monitorGroups.list(here));
    assert.deepEqual(listed.filter((id) => made.includes(id)), made);
  },
  "loadBalancers.monitorGroups.update": async () => {
    const [a, b] = [await monitor(), await monitor()];
    const made = await group([a]);
    const wanted = { description: "new", members: [member(b.id)] };
    const put = await lb.monitorGroups.update(made.id, { ...here, ...wanted });
    assert.deepEqual([put.id, put.created_on, put.description], [made.id, made.created_on, "new"]);
    assert.deepEqual(put.members.map(({ monitor_id }) => monitor_id), [b.id]);
  },
  "loadBalancers.monitorGroups.edit": async () => {
    const watch = await monitor();
    const made = await group([watch]);
    const members = [member(watch.id, { enabled: false })];
    const wanted = { description: "new", members };
    const patched = await lb.monitorGroups.edit(made.id, { ...here, ...wanted });
    assert.deepEqual([patched.description, patched.members[0].enabled], ["new", false]);
  },
  "loadBalancers.monitorGroups.delete": async () => {
    const made = await group([await monitor()]);
    assert.deepEqual(await lb.monitorGroups.delete(made.id, here), made);
    await isGone(lb.monitorGroups.get(made.id, here));
    const used = await group([await monitor()]);
    await pool({ monitor_group: used.id });
    await isInUse(lb.monitorGroups.delete(used.id, here));
  },
  "loadBalancers.monitorGroups.references.get": async () => {
    const watch = await monitor();
    const several = await group([watch]);
    const one = await pool({ monitor_group: several.id });
    const found = (await lb.monitorGroups.references.get(several.id, here)).result;
    const seen = found.map(({ reference_type, resource_id }) => `${reference_type} ${resource_id}`);
    assert.deepEqual(seen.sort(), [`referral ${watch.id}`, `referrer ${one.id}`]);
  },

  // What is read only.

  "loadBalancers.previews.get": async () => {
    const one = await pool();
    const made = await lb.pools.health.create(one.id, { ...here, ...probe });
    const seen = Object.keys(await lb.previews.get(made.preview_id, here));
    assert.ok(seen.every((id) => id === one.id), "empty until there are results");
    await isGone(lb.previews.get("p-nobody-made-this", here));
  },
  "loadBalancers.regions.list": async () => {
    const every = await lb.regions.list(here);
    assert.equal(every.regions.length, 13);
    assert.ok(every.iso_standard);
    const japan = await lb.regions.list({ ...here, country_code_a2: "JP" });
    assert.deepEqual(japan.regions.map(({ region_code }) => region_code), ["NEAS"]);
  },
  "loadBalancers.regions.get": async () => {
    const { regions } = await lb.regions.get("WEU", here);
    assert.equal(regions.length, 1);
    assert.ok(regions[0].countries.some(({ country_code_a2 }) => country_code_a2 === "FR"));
  },
  // The pager of the SDK looks for `items`, which the service does not send (api.md 2.8).
  "loadBalancers.searches.list": async () => {
    const { made } = await balancer();
    const asked = lb.searches.list({ ...here, query: made.name.toUpperCase(), references: "*" });
    const { resources } = await document(asked);
    assert.deepEqual(resources.map(({ resource_id }) => resource_id), [made.id]);
    assert.equal(resources[0].references[0].resource_id, made.fallback_pool);
    const plain = await document(lb.searches.list({ ...here, query: made.id }));
    assert.equal(plain.resources[0].references, undefined);
  },
};

for (const method of methods(lb, "loadBalancers")) {
  test(method, () => {
    assert.ok(rows[method], `the SDK has ${method}, which no row covers`);
    return rows[method]();
  });
}

test("no row is of a method that is gone", () => {
  const known = new Set(methods(lb, "loadBalancers"));
  assert.deepEqual(Object.keys(rows).filter((method) => !known.has(method)), []);
});

test("a load balancer comes back as it was sent", async () => {
  const [a, b] = [(await pool()).id, (await pool()).id];
  const sent = {
    description: "The shop", proxied: true, ttl: 45, default_pools: [b, a], fallback_pool: a,
    region_pools: { WNAM: [b, a], EEU: [a] }, country_pools: { GB: [b] }, steering_policy: "geo",
    random_steering: { default_weight: 0.3, pool_weights: { [b]: 0.56 } },
    session_affinity: "header", session_affinity_ttl: 30,
    session_affinity_attributes: {
      samesite: "None", secure: "Always", drain_duration: 60, headers: ["X-B", "cookie:b,a"],
      zero_downtime_failover: "temporary", require_all_headers: true,
    },
    adaptive_routing: { failover_across_pools: true },
    location_strategy: { mode: "resolver_ip", prefer_ecs: "geo" },
    rules: [{
      name: "r", condition: 'http.request.uri.path eq "/x"', disabled: true, priority: 5,
      overrides: { default_pools: [a], ttl: 31 },
    }],
  };
  const { made, zone } = await balancer(sent);
  for (const name of Object.keys(sent)) assert.deepEqual(made[name], sent[name], name);
  const got = await document(lb.get(made.id, { zone_id: zone.id }));
  const put = await lb.update(made.id, { zone_id: zone.id, ...got });
  assert.deepEqual({ ...put, modified_on: got.modified_on }, got);
});

test("the neighbours are there: zones, accounts, the user, the token", async () => {
  const own = await zone();
  assert.equal((await sdk.zones.get({ zone_id: own.id })).status, "active");
  const named = [];
  for await (const { id } of sdk.zones.list({ name: own.name })) named.push(id);
  assert.deepEqual(named, [own.id]);
  assert.equal((await sdk.zones.delete({ zone_id: own.id })).id, own.id);
  const accounts = [];
  for await (const { id } of sdk.accounts.list()) accounts.push(id);
  assert.deepEqual(accounts, [ACCOUNT]);
  assert.ok((await sdk.user.get()).id);
  assert.equal((await sdk.user.tokens.verify()).status, "active");
});

test("DNS records and notifications are there", async () => {
  const own = await zone();
  const at = { zone_id: own.id };
  const name = `a.${own.name}`;
  const made = await sdk.dns.records.create({ ...at, type: "A", name, content: "192.0.2.7", ttl: 60 });
  assert.deepEqual([made.name, made.content, made.ttl], [name, "192.0.2.7", 60]);
  const found = [];
  for await (const { id } of sdk.dns.records.list({ ...at, name: { exact: name } })) found.push(id);
  assert.deepEqual(found, [made.id]);
  assert.equal((await sdk.dns.records.delete(made.id, at)).id, made.id);
  const { webhooks } = sdk.alerting.destinations;
  const hook = await webhooks.create({ ...here, name: unique("h"), url: "https://a.example/" });
  const policy = await sdk.alerting.policies.create({
    ...here, name: unique("p"), alert_type: "load_balancing_health_alert", enabled: true,
    mechanisms: { webhooks: [{ id: hook.id }] }, filters: { new_health: ["Unhealthy"] },
  });
  assert.ok(ids(await sdk.alerting.policies.list(here)).includes(policy.id));
  const got = await sdk.alerting.policies.get(policy.id, here);
  assert.deepEqual(got.filters.new_health, ["Unhealthy"]);
  await sdk.alerting.policies.delete(policy.id, here);
  await webhooks.delete(hook.id, here);
});

test("a wrong token is the SDK's own exception", async () => {
  const stranger = sdk.withOptions({ apiToken: "someone-elses-token-0123456789abcdef" });
  const call = stranger.loadBalancers.pools.list(here);
  await refused(call, Cloudflare.AuthenticationError, 401, 10000);
});
