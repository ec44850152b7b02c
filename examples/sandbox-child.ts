/**
 * The sandbox in a child process, for a test runner that cannot load its libraries. Run it with
 * `npx tsx examples/sandbox-child.ts`. It does not close the sandbox, and the child ends with this program.
 */
import assert from 'node:assert/strict';
import { ServicePrincipal } from '@credence/core';
// #region child
import { startSandbox } from '@credence/sandbox';

const sandbox = await startSandbox({ process: 'child' });
const bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);

await bot.token('documents');
await sandbox.policy.pauseServer('documents');
const { token: requests } = await sandbox.idp.requests();
const [, exchange] = await sandbox.audit.records();
// #endregion

console.log(`${requests} token requests; the second: ${exchange?.reason}`);
assert.equal(requests, 2);
assert.equal(exchange?.grantedScopes.join(' '), 'documents:read');
await bot.close();
