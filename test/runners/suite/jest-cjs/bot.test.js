// #region test
// #region imports
const { ServicePrincipal } = require('@credence/core');
const { fakeIdp } = require('@credence/testing');
const { openIssues } = require('./bot.js');
// #endregion

test('the bot survives a revocation, and a refusal says whom to ask', async () => {
  const idp = fakeIdp({
    principals: { 'reporting-bot': {} },
    servers: { issues: { tools: { list_issues: () => ['Printer', 'Heating'] } } },
  });
  const bot = new ServicePrincipal(idp.options('reporting-bot'));
  await expect(openIssues(bot)).resolves.toContain('Printer');
  idp.revoke('issues'); // the server answers 401, and the bot gets a new token
  await expect(openIssues(bot)).resolves.toContain('Heating');
  idp.expectRequests({ exchange: 1, redeem: 2 });

  idp.refuse({ server: 'issues' }); // an administrator takes the grant away
  idp.expire(); // every token expires
  await expect(openIssues(bot)).rejects.toMatchObject({ code: 'access_denied', contact: 'idp-admin' });
  await bot.close();
});
// #endregion
