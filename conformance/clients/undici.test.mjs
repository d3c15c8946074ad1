// undici, the client inside Node, against the balancer of this run: HTTP/1.1, HTTP/2 and WebSocket.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { Agent, WebSocket, fetch, request } from "undici";

const { EVENKEEL_HOST: host, EVENKEEL_HTTPS: port, EVENKEEL_CA: authority } = process.env;
const base = `https://${host}:${port}`;

// Every name leads to this machine.
const lookup = (_name, options, done) =>
  options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);

const agent = (allowH2) =>
  new Agent({ allowH2, connect: { ca: readFileSync(authority), lookup } });

for (const allowH2 of [false, true]) {
  const name = allowH2 ? "HTTP/2" : "HTTP/1.1";

  test(`${name}: requests at once`, async () => {
    const dispatcher = agent(allowH2);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => fetch(`${base}/plain?${n}`, { dispatcher })),
    );
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("x-endpoint"), "plain");
    }
    const targets = await Promise.all(answers.map(async (answer) => (await answer.json()).target));
    assert.deepEqual(targets, Array.from({ length: 50 }, (_, n) => `/plain?${n}`));
    await dispatcher.close();
  });

  test(`${name}: a body up and down`, async () => {
    const dispatcher = agent(allowH2);
    const body = Buffer.alloc(3_000_000, "evenkeel");
    const { statusCode, body: answer } = await request(`${base}/echo`, {
      method: "POST",
      body,
      dispatcher,
    });
    assert.equal(statusCode, 200);
    assert.ok(body.equals(Buffer.from(await answer.arrayBuffer())));
    await dispatcher.close();
  });
}

test("WebSocket", async () => {
  const dispatcher = agent(false);
  const socket = new WebSocket(`wss://${process.env.EVENKEEL_SOCKETS}:${port}/echo`, { dispatcher });
  const said = await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send("ahoy");
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = ({ error }) => reject(error ?? new Error("no WebSocket"));
  });
  assert.equal(said, "ahoy");
  const over = new Promise((resolve) => (socket.onclose = resolve));
  socket.close(4000, "done");
  const { code, reason } = await over;
  assert.deepEqual([code, reason], [4000, "done"]);
  await dispatcher.close();
});
