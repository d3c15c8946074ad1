// Chromium on an https page with a WebSocket, through the balancer of this run.

import assert from "node:assert/strict";
import test from "node:test";
import { chromium } from "playwright-core";

const { EVENKEEL_CHROMIUM: executablePath, EVENKEEL_HTTPS: port } = process.env;
const origin = `https://${process.env.EVENKEEL_SOCKETS}:${port}`;

test("a page over https, and a WebSocket from it", async (context) => {
  const browser = await chromium.launch({
    executablePath,
    args: [
      "--host-resolver-rules=MAP * 127.0.0.1",
      "--ignore-certificate-errors",
      "--no-sandbox",
      "--disable-gpu",
    ],
  });
  context.after(() => browser.close());
  const page = await browser.newPage();
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  const seen = [];
  network.on("Network.responseReceived", ({ response }) => seen.push(response));

  const answer = await page.goto(`${origin}/page`);
  assert.equal(answer.status(), 200);
  assert.equal(answer.headers()["x-endpoint"], "sockets");
  assert.equal(seen[0].protocol, "h2");
  assert.equal(seen[0].securityDetails.protocol, "TLS 1.3");
  assert.equal(seen[0].securityDetails.keyExchangeGroup, "X25519MLKEM768");

  const said = await page.evaluate(async () => {
    const socket = new WebSocket(`wss://${location.host}/echo`);
    const next = () => new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(data)));
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("no WebSocket"));
    });
    const heard = [];
    for (const word of ["ahoy", "x".repeat(300_000), "\u2693"]) {
      const answer = next();
      socket.send(word);
      heard.push((await answer) === word);
    }
    const over = new Promise((resolve) => (socket.onclose = resolve));
    socket.close(4001, "done");
    const { code, wasClean } = await over;
    return { heard, code, wasClean };
  });
  assert.deepEqual(said, { heard: [true, true, true], code: 4001, wasClean: true });

  const statuses = await page.evaluate(() =>
    Promise.all(
      Array.from({ length: 60 }, async (_, n) => (await fetch(`/page?${n}`)).status),
    ),
  );
  assert.deepEqual(new Set(statuses), new Set([200]));
});
