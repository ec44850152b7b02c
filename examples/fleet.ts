/**
 * Ten copies of a bot that share their access tokens. All start at the same time, and the IdP receives as many requests as from
 * one copy. Run it with `npx tsx examples/fleet.ts`. With REDIS_URL the copies share their tokens in that Redis, as copies in
 * different processes do. Without it they share them in memory.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { memoryStore, ServicePrincipal } from '@credence/core';
import { redisStore } from '@credence/redis';
import { startSandbox } from '@credence/sandbox';
import { connectMcp } from '@credence/sdk-adapter';

const COPIES = 10;
const enterprise = await startSandbox();
const { env } = enterprise.principals['reporting-bot'];

const url = process.env['REDIS_URL'];
const encryptionKey = randomBytes(32); // in production one key for all copies, from your secret store: openssl rand -base64 32
const redis = url === undefined ? undefined : redisStore({ url, encryptionKey });
const store = redis ?? memoryStore();

const copies = Array.from({ length: COPIES }, () => ServicePrincipal.fromEnv(env, { store }));
await Promise.all(
  copies.map(async (bot) => {
    const client = await connectMcp(bot, 'issues');
    await client.callTool({ name: 'list_issues', arguments: {} });
    await client.close();
  }),
);
const { idp, authorizationServers, servers } = enterprise;
console.log(
  `${COPIES} copies, ${servers.issues.requests.toolCalls} calls, shared in ${redis ? 'Redis' : 'memory'}:`,
  `${idp.requests.token} requests at the IdP, ${authorizationServers.main.requests.token} at the authorization server`,
);
assert.equal(servers.issues.requests.toolCalls, COPIES);
assert.equal(idp.requests.token, 2, "one request for the principal's own token and one for the ID-JAG");
assert.equal(authorizationServers.main.requests.token, 1);

await Promise.all(copies.map((bot) => bot.close()));
await redis?.close();
await enterprise.close();
