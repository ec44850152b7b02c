/**
 * Unit tests of a bot without a network: a revocation, a refusal, the answers of a vendor, a lost connection, a missing scope, and the
 * tools of a LangChain agent. Run it with `npx tsx examples/unit-test.ts`; docs/testing.md has the same for jest and vitest.
 */
// oxlint-disable typescript/no-floating-promises -- node:test waits for its tests itself
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { clientSecret, isCredenceError, privateKeyJwt, ServicePrincipal } from '@credence/core';
import { loadTools } from '@credence/langchain';
import { answers, fakeIdp } from '@credence/testing';
import { openIssues } from './support/open-issues.ts';

// #region test
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

test("the bot's own configuration works with the fake", async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const secret = 'a secret of the test';

  // #region own-options
  const idp = fakeIdp({
    issuer: 'https://acme.okta.com',
    principals: {
      'reporting-bot': {
        key: publicKey, // the signature of each client assertion is verified
        clients: { linear: { clientId: 'a1b2', secret } },
      },
    },
    servers: {
      linear: {
        url: 'https://mcp.linear.app/mcp',
        issuer: 'https://linear.app',
        scopes: ['issues:read', 'issues:write'],
      },
    },
  });
  const bot = new ServicePrincipal({
    idp: {
      issuer: 'https://acme.okta.com',
      credential: privateKeyJwt({ clientId: 'reporting-bot', key: privateKey }),
    },
    servers: {
      linear: {
        url: 'https://mcp.linear.app/mcp',
        issuer: 'https://linear.app',
        credential: clientSecret({ clientId: 'a1b2', secret }),
        scopes: ['issues:read'],
      },
    },
    fetch: idp.fetch, // the only lines that
    clock: idp.clock, // the test adds
  });
  // #endregion
  assert.deepEqual((await bot.token('linear')).scopes, ['issues:read']);
  await bot.close();
});

test('the bot gives up after a denial of Okta, and asks again after its rate limit', async () => {
  const idp = fakeIdp({ principals: { 'reporting-bot': {} }, servers: { issues: {}, documents: {} } });
  const bot = new ServicePrincipal(idp.options('reporting-bot'));
  // #region vendor
  idp.next('exchange', { server: 'issues' }).respond(answers.okta.notGranted());
  await assert.rejects(bot.token('issues'), { code: 'access_denied', contact: 'idp-admin' });

  idp.next('exchange').respond(answers.okta.rateLimited());
  idp.next('redeem').drop(); // the connection ends without an answer
  await bot.token('documents');
  assert.deepEqual(
    idp.requestsOf('exchange').map(({ server, status }) => `${server} ${status}`),
    ['issues 400', 'documents 429', 'documents 200'],
  );
  idp.expectNoPendingAnswers();
  // #endregion
  await bot.close();
});

test('an agent gets a tool whose scope is missing only after a step-up', async () => {
  // #region tools
  const idp = fakeIdp({
    principals: { 'reporting-bot': { grants: { issues: ['issues:read', 'issues:write'] } } },
    servers: {
      issues: {
        tools: {
          list_issues: { scopes: ['issues:read'], handler: ({ status }) => `all ${String(status)} issues` },
          create_issue: {
            scopes: ['issues:write'],
            description: 'Opens an issue',
            inputSchema: { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] },
            handler: ({ title }, { principal }) => `${String(title)}, by ${principal}`,
          },
        },
      },
    },
    revoke: { issues: { afterCalls: 1 } }, // each token is good for one tool call
  });
  const bot = new ServicePrincipal(
    idp.options('reporting-bot', { issues: { scopes: ['issues:read'], stepUp: ['issues:write'] } }),
  );
  // #endregion
  const loaded = await loadTools(bot, ['issues']);
  const call = async (name: string, args: object) => {
    const tool = loaded.tools.find((each) => each.name === `issues__${name}`);
    return JSON.stringify(await tool?.invoke(args));
  };
  assert.match(await call('list_issues', { status: 'open' }), /all open issues/);
  assert.match(await call('create_issue', { title: 'Printer' }), /Printer, by reporting-bot/);
  assert.match(await call('list_issues', { status: 'closed' }), /all closed issues/);
  const statuses = idp.requestsOf('call').flatMap(({ parameters, status }) => (parameters['tool'] ? [status] : []));
  assert.deepEqual(new Set(statuses), new Set([200, 401, 403]));
  await loaded.close();
  await bot.close();
});

test('no request reaches the network', async () => {
  const idp = fakeIdp({ principals: { 'reporting-bot': {} }, servers: { issues: {} } });
  // #region unknown
  const error = await idp.fetch('https://mcp.linear.app/mcp').catch((reason: unknown) => reason);
  assert.ok(isCredenceError(error) && error.message.includes('https://mcp.linear.app/mcp'));
  // #endregion
});
