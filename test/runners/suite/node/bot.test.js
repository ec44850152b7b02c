// #region test
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServicePrincipal } from '@credence/core';
import { fakeIdp } from '@credence/testing';
import { openIssues } from './bot.js';

test('the bot survives a revocation, and a refusal says whom to ask', async () => {
  const idp = fakeIdp({
    principals: { 'reporting-bot': {} },
    servers: { issues: { tools: { list_issues: () => ['Printer', 'Heating'] } } },
  });
  const bot = new ServicePrincipal(idp.options('reporting-bot'));
  assert.match(await openIssues(bot), /Printer/);
  idp.revoke('issues'); // the server answers 401, and the bot gets a new token
  assert.match(await openIssues(bot), /Heating/);
  idp.expectRequests({ exchange: 1, redeem: 2 });

  idp.refuse({ server: 'issues' }); // an administrator takes the grant away
  idp.expire(); // every token expires
  await assert.rejects(openIssues(bot), { code: 'access_denied', contact: 'idp-admin' });
  await bot.close();
});
// #endregion
