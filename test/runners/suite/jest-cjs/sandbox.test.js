// #region test
const { ServicePrincipal } = require('@credence/core');
const { startSandbox } = require('@credence/sandbox');
const { openIssues } = require('./bot.js');

let sandbox;
let bot;
beforeAll(async () => {
  sandbox = await startSandbox({ process: 'child' });
  bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);
});
afterAll(async () => {
  await bot.close();
  await sandbox.close();
});

test('the bot reads real issues, also after a revocation', async () => {
  await expect(openIssues(bot)).resolves.toContain('high');
  const revoked = await sandbox.authorizationServers.main.revokeTokens();
  expect(revoked).toBe(1);
  await expect(openIssues(bot)).resolves.toContain('high');
});

test('the bot is refused when an administrator pauses the server', async () => {
  await sandbox.policy.pauseServer('issues');
  await sandbox.authorizationServers.main.revokeTokens();
  await expect(openIssues(bot)).rejects.toMatchObject({ leg: 'exchange', contact: 'idp-admin' });
  const [{ reason }] = (await sandbox.audit.records()).slice(-1);
  expect(reason).toContain('paused');
});
// #endregion
