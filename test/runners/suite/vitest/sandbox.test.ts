// #region test
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServicePrincipal } from '@credence/core';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import { openIssues } from './bot.ts';

let sandbox: Sandbox;
let bot: ServicePrincipal;
beforeAll(async () => {
  sandbox = await startSandbox();
  bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);
});
afterAll(async () => {
  await bot.close();
  await sandbox.close();
});

test('the bot reads real issues, also after a revocation', async () => {
  await expect(openIssues(bot)).resolves.toContain('high');
  const revoked = sandbox.authorizationServers.main.revokeTokens();
  expect(revoked).toBe(1);
  await expect(openIssues(bot)).resolves.toContain('high');
});

test('the bot is refused when an administrator pauses the server', async () => {
  sandbox.policy.pauseServer('issues');
  sandbox.authorizationServers.main.revokeTokens();
  await expect(openIssues(bot)).rejects.toMatchObject({ leg: 'exchange', contact: 'idp-admin' });
  expect(sandbox.audit.records.at(-1)?.reason).toContain('paused');
});
// #endregion
