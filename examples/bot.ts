/**
 * A bot that calls a tool five times a second. Its access tokens live two seconds. During the run they are revoked once, and
 * the IdP rotates its signing key. The bot stops without an error on SIGTERM or after BOT_SECONDS (default 6).
 * Run it with `npx tsx examples/bot.ts`.
 */
import assert from 'node:assert/strict';
import { type CredenceEvent, isCredenceError, ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { connectMcp } from '@credence/sdk-adapter';

const seconds = Number(process.env['BOT_SECONDS'] ?? 6);
const enterprise = await startSandbox({ accessTokenLifetimeSeconds: 2 });
const seen: CredenceEvent[] = [];
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env, {
  onEvent: (event) => {
    seen.push(event);
    if (event.type !== 'leg') console.log(`  bot: ${event.type} ${'tokenHash' in event ? event.tokenHash : ''}`);
  },
});

const count = (type: CredenceEvent['type']) => seen.filter((event) => event.type === type).length;
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

// Each incident happens right after a new token was acquired, so that it affects a token that is in use.
const incidents = [
  { fromCall: 8, name: 'its tokens are revoked', run: () => enterprise.authorizationServers.main.revokeTokens() },
  { fromCall: 16, name: "the IdP's signing key is rotated", run: () => enterprise.idp.rotateSigningKey() },
];

const client = await connectMcp(bot, 'issues');
const endsAt = Date.now() + seconds * 1000;
let calls = 0;
let failures = 0;
let tokensSeen = 0;
while (!stop.signal.aborted && Date.now() < endsAt) {
  const tokens = count('acquired') + count('renewed');
  if (tokens > tokensSeen && calls >= (incidents[0]?.fromCall ?? Infinity)) {
    const incident = incidents.shift();
    console.log(`call ${calls}: ${incident?.name}`);
    await incident?.run();
  }
  tokensSeen = tokens;
  calls += 1;
  try {
    await client.callTool({ name: 'list_issues', arguments: {} });
  } catch (error) {
    failures += 1;
    console.log(isCredenceError(error) ? error.summary : error);
  }
  await pause(200, stop.signal);
}

await client.close();
await bot.close();
await enterprise.close();

console.log(
  `${calls} calls, ${failures} failed; tokens: ${count('acquired')} acquired, ${count('renewed')} renewed in the background, ${count('rejected')} refused`,
);
assert.equal(failures, 0, 'no call fails when a token expires or is revoked, or when the signing key changes');
if (!stop.signal.aborted && seconds >= 6) {
  assert.ok(count('rejected') >= 1, 'a revoked token was refused');
  assert.ok(count('renewed') >= 1, 'tokens were renewed in the background');
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}
