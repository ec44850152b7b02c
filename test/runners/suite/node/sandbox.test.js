// #region test
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { openIssues } from './bot.js';

let sandbox;
let bot;
before(async () => {
  sandbox = await startSandbox();
  bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);
});
after(async () => {
  await bot.close();
  await sandbox.close();
});

test('the bot reads real issues, also after a revocation', async () => {
  assert.match(await openIssues(bot), /high/);
  assert.equal(sandbox.authorizationServers.main.revokeTokens(), 1);
  assert.match(await openIssues(bot), /high/);
});

test('the bot is refused when an administrator pauses the server', async () => {
  sandbox.policy.pauseServer('issues');
  sandbox.authorizationServers.main.revokeTokens();
  await assert.rejects(openIssues(bot), { leg: 'exchange', contact: 'idp-admin' });
  assert.match(sandbox.audit.records.at(-1)?.reason, /paused/);
});
// #endregion
