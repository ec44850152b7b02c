/**
 * The configuration of a bot for a real IdP. This example takes the values from the sandbox; use your own values in their place.
 * Run it with `npx tsx examples/real-idp.ts`.
 */
import assert from 'node:assert/strict';
import { clientSecret, privateKeyJwt, ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';

const enterprise = await startSandbox();
const me = enterprise.principals['reporting-bot'];
const linear = me.servers.issues;
const IDP_ISSUER = enterprise.idp.issuer; // https://acme.okta.com
const BOT_PRIVATE_KEY = me.privateKey; // -----BEGIN PRIVATE KEY-----...

const audit: unknown[] = [];

// #region configuration
const bot = new ServicePrincipal({
  idp: {
    issuer: IDP_ISSUER, // exactly as written in its metadata
    credential: privateKeyJwt({ clientId: 'reporting-bot', key: BOT_PRIVATE_KEY }),
  },
  servers: {
    linear: {
      url: linear.url, // https://mcp.linear.app/mcp
      issuer: linear.issuer, // the authorization server where the credential below is registered
      credential: clientSecret({ clientId: linear.clientId, secret: linear.clientSecret }),
      scopes: ['issues:read'], // the scopes to request; if this list is set, no others can be requested, except those in stepUp
      stepUp: ['issues:write'], // requested when a 403 of the server asks for them, or by bot.token('linear', { scopes })
    },
  },
  onEvent: (event) => audit.push(event),
});
// #endregion

const report = await bot.diagnose('linear');
console.log(String(report));
assert.ok(report.ok);
assert.deepEqual((await bot.token('linear')).scopes, ['issues:read']);
assert.deepEqual((await bot.token('linear', { scopes: ['issues:write'] })).scopes, ['issues:write']);
assert.ok(audit.length > 0);

await bot.close();
await enterprise.close();
