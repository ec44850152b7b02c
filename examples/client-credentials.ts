/**
 * Vendors that issue no ID-JAG to a bot: the bot gets its access token from the authorization server directly, with a secret, a key or the
 * token of the platform. The hosts of the vendors are on loopback. Run it with `npx tsx examples/client-credentials.ts`.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { fromWorkloadToken, isCredenceError, ServicePrincipal, type WorkloadTokenSource } from '@credence/core';
import { auth0, entra, keycloak, pingFederate } from '@credence/idps';
import { exampleToken, startVendorHosts } from './support/vendor-hosts.ts';

const { privateKey: BOT_KEY } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const secret = 'a secret of the example';
const TENANT_ID = '11111111-2222-3333-4444-555555555555';
/** Stands for a platform of @credence/platforms, such as kubernetes(). */
const platform: WorkloadTokenSource = {
  platform: 'example',
  audience: 'any',
  renewable: true,
  local: false,
  claims: { iss: 'https://platform.example', sub: 'job' },
  getToken: ({ audience }) => exampleToken({ sub: 'job', aud: audience }),
};

// #region entra
const acme = entra({ tenantId: TENANT_ID, clientId: 'reporting-bot', assertion: platform }); // a federated credential
const issues = acme.server({ url: 'https://issues.example/mcp', api: 'api://issues' });
// #endregion

// #region auth0
const tenant = auth0({ domain: 'acme.eu.auth0.com', clientId: 'reporting-bot', key: BOT_KEY });
const wiki = tenant.server({ url: 'https://wiki.example/mcp', api: 'https://wiki.example', scopes: ['read'] });
// #endregion

// #region keycloak
const realm = keycloak({ url: 'https://sso.acme.example', realm: 'acme', clientId: 'reporting-bot', key: BOT_KEY });
const files = realm.server({ url: 'https://files.example/mcp', scopes: ['files:read'] });
// #endregion

// #region workload-identity
const ping = pingFederate({ url: 'https://ping.acme.example', clientId: 'reporting-bot', secret });
const tickets = ping.server({
  url: 'https://tickets.example/mcp',
  scopes: ['tickets:read'],
  flow: 'workload-identity', // the token of the platform is the grant
  assertion: fromWorkloadToken(platform),
});
// #endregion

const servers = { issues, wiki, files, tickets };
const hosts = await startVendorHosts({
  mcpServers: Object.fromEntries(Object.values(servers).map(({ url, issuer }) => [url, issuer])),
});

// #region bot
const bot = new ServicePrincipal({ servers, fetch: hosts.fetch }); // without idp
const token = await bot.token('issues');
// #endregion
assert.deepEqual(token.scopes, ['api://issues/.default']);
await Promise.all([bot.token('wiki'), bot.token('files'), bot.token('tickets')]);

const posted = (host: string) => hosts.posted.find(({ url }) => new URL(url).host === host)?.form ?? {};
assert.equal(posted('login.microsoftonline.com')['resource'], undefined);
assert.equal(posted('acme.eu.auth0.com')['audience'], 'https://wiki.example');
assert.equal(posted('sso.acme.example')['grant_type'], 'client_credentials');
assert.equal(posted('ping.acme.example')['grant_type'], 'urn:ietf:params:oauth:grant-type:jwt-bearer');

// #region no-idp
try {
  acme.idp();
} catch (error) {
  if (!isCredenceError(error)) throw error;
  console.log(`${error.message} ${error.remedy}`);
}
// #endregion

await bot.close();
await hosts.close();
console.log('Entra, Auth0, Keycloak and PingFederate: each request is as the vendor documents it.');
