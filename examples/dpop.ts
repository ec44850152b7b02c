/**
 * Access tokens that are bound to a key (DPoP, RFC 9449). The private key stays in the process, and every call carries a proof
 * that it was made with this key. Run it with `npx tsx examples/dpop.ts`.
 */
import assert from 'node:assert/strict';
import { generateDpopKeyPair, isCredenceError, optionsFromEnv, ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { connectMcp } from '@credence/sdk-adapter';

const enterprise = await startSandbox({ requireDpop: true });
const { env } = enterprise.principals['reporting-bot'];

// #region bot
const { idp, servers } = optionsFromEnv(env);
const dpop = await generateDpopKeyPair();
const bot = new ServicePrincipal({
  idp,
  servers: Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, { ...server, dpop }])),
});
// #endregion

const client = await connectMcp(bot, 'issues');
const { content } = await client.callTool({ name: 'list_issues', arguments: {} });
assert.ok(Array.isArray(content) && content.length > 0);
console.log('the bot called list_issues with an access token that is bound to its key');

const { type, value } = await bot.token('issues');
assert.equal(type, 'DPoP');
const thief = (scheme: string) =>
  fetch(bot.server('issues').url, { method: 'POST', headers: { authorization: `${scheme} ${value}` } });
for (const scheme of ['Bearer', 'DPoP']) {
  const { status } = await thief(scheme);
  assert.equal(status, 401);
  console.log(`a copied access token, sent as ${scheme} without the key, is answered with ${status}`);
}

const unbound = ServicePrincipal.fromEnv(env);
const refusal = await unbound.token('issues').catch((error: unknown) => error);
assert.ok(isCredenceError(refusal));
console.log(`a bot without a DPoP key: ${refusal.summary}`);

await client.close();
await Promise.all([bot.close(), unbound.close(), enterprise.close()]);
