/**
 * A bot with a readiness probe: it gets its tokens before the first call, and answers the probe from `status()`. Run it with `npx tsx examples/readiness.ts`.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isCredenceError, ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';

const enterprise = await startSandbox();
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env);

// #region probe
const probe = createServer((_request, response) => {
  const status = bot.status(); // no request is sent
  response.writeHead(status.ready ? 200 : 503, { 'content-type': 'application/json' });
  response.end(JSON.stringify(status)); // no token and no secret
});
// #endregion
probe.listen(0, '127.0.0.1');
await once(probe, 'listening');
const { port } = probe.address() as AddressInfo;
const ask = async () => {
  const response = await fetch(`http://127.0.0.1:${port}/ready`);
  return { status: response.status, body: await response.text() };
};

const before = await ask();
assert.equal(before.status, 503);

const refused: string[] = [];
// #region prepare
for (const name of bot.serverNames) {
  await bot.prepare([name]).catch((error: unknown) => {
    if (!isCredenceError(error)) throw error;
    refused.push(name); // status() says why
  });
}
// #endregion

const { servers } = bot.status();
for (const [name, server] of Object.entries(servers)) {
  const { ready, token, lastFailure, pausedUntil } = server;
  const why = lastFailure && `${lastFailure.code}: ${lastFailure.remedy} (contact: ${lastFailure.contact})`;
  console.log(`${name}: ${ready ? `ready, its token expires in ${token?.expiresInMs} ms` : `not ready, ${why}`}`);
  assert.equal(ready, !refused.includes(name));
  assert.equal(pausedUntil !== undefined, refused.includes(name));
}
const after = await ask();
assert.equal(after.status, refused.length === 0 ? 200 : 503);
const secret = await bot.token(bot.serverNames.find((name) => !refused.includes(name)) ?? '');
assert.ok(!after.body.includes(secret.value));

probe.close();
await bot.close();
await enterprise.close();
