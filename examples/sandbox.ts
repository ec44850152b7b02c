/**
 * The sandbox in your own test: a running bot gets an access token, and is refused after the policy of the IdP changes.
 * Run it with `npx tsx examples/sandbox.ts`.
 */
import assert from 'node:assert/strict';
import { isCredenceError, ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';

// #region sandbox
const sandbox = await startSandbox({ singleUseIdJags: true }); // so that each new access token needs a request to the IdP
const me = sandbox.principals['reporting-bot']; // its key, client ids and secrets; me.env has the CREDENCE_* variables
const bot = ServicePrincipal.fromEnv(me.env);

const first = await bot.token('documents');
sandbox.policy.pauseServer('documents'); // the IdP refuses new ID-JAGs for this server ...
sandbox.authorizationServers.main.revokeTokens({ principal: me.name }); // ... and issued access tokens stop working
await sandbox.idp.rotateSigningKey();

bot.invalidate(first); // a 401 of the MCP server has the same effect
const refused = await bot.token('documents').catch((error: unknown) => error);
console.log(sandbox.audit.records.map(({ server, reason }) => `${server ?? '-'}: ${reason}`));
console.log(sandbox.idp.requests.token, sandbox.authorizationServers.main.requests.token);
// #endregion

assert.ok(isCredenceError(refused));
assert.deepEqual([refused.code, refused.leg, refused.contact], ['access_denied', 'exchange', 'idp-admin']);
assert.equal(sandbox.audit.records.at(-1)?.granted, false);

await bot.close();
await sandbox.close();
