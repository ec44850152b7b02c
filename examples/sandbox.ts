/**
 * The sandbox in a test of your own: a bot is granted, refused and granted again while it runs. Runs by
 * `npx tsx examples/sandbox.ts`.
 */
import assert from 'node:assert/strict';
import { isCredenceError, ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';

// #region sandbox
const sandbox = await startSandbox({ singleUseIdJags: true }); // so that each new token asks the IdP
const me = sandbox.principals['reporting-bot']; // its key, its client ids and secrets, and CREDENCE_* in me.env
const bot = ServicePrincipal.fromEnv(me.env);

const first = await bot.token('documents');
sandbox.policy.pauseServer('documents'); // from now on the IdP denies it ...
sandbox.authorizationServers.main.revokeTokens({ principal: me.name }); // ... and tokens that are out are dead
await sandbox.idp.rotateSigningKey();

bot.invalidate(first); // what a 401 of the server does
const refused = await bot.token('documents').catch((error: unknown) => error);
console.log(sandbox.audit.records.map(({ server, reason }) => `${server ?? '-'}: ${reason}`));
console.log(sandbox.idp.requests.token, sandbox.authorizationServers.main.requests.token);
// #endregion

assert.ok(isCredenceError(refused));
assert.deepEqual([refused.code, refused.leg, refused.contact], ['access_denied', 'exchange', 'idp-admin']);
assert.equal(sandbox.audit.records.at(-1)?.granted, false);

await bot.close();
await sandbox.close();
