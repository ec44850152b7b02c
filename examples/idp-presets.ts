/**
 * The identity providers that issue ID-JAGs, each with its preset. The hosts of the vendors are on loopback. Run it with
 * `npx tsx examples/idp-presets.ts`; client-credentials.ts has the vendors that issue none.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import {
  clientSecret,
  fromIdToken,
  fromRefreshToken,
  type IdpOptions,
  ServicePrincipal,
  type WorkloadTokenSource,
} from '@credence/core';
import { conductorOne, conductorOneFromEnv, descope, okta, oktaForAgents, pingFederate } from '@credence/idps';
import { exampleToken, startVendorHosts } from './support/vendor-hosts.ts';

const { privateKey: AGENT_KEY } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const { privateKey: APP_KEY } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const secret = 'a secret of the example';
const c1Key = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
const C1_SECRET = `secret-token:conductorone.com:v1:${Buffer.from(JSON.stringify(c1Key)).toString('base64url')}`;
const session = { idToken: await exampleToken({ sub: 'alice' }), refreshToken: 'a refresh token of the example' };
/** Stands for a platform of @credence/platforms, such as kubernetes(). */
const platform: WorkloadTokenSource = {
  platform: 'example',
  audience: 'any',
  renewable: true,
  local: false,
  claims: { iss: 'https://platform.example', sub: 'job' },
  getToken: ({ audience }) => exampleToken({ sub: 'job', aud: audience }),
};

/** The MCP server is somebody else's: its authorization server is not the IdP. */
const linear = {
  url: 'https://mcp.linear.app/mcp',
  issuer: 'https://linear.app',
  tokenEndpoint: 'https://linear.app/oauth/token',
  credential: clientSecret({ clientId: 'a1b2', secret }),
  scopes: ['issues:read'],
};

/** Gets a token for the server through the IdP. Returns what was posted to the IdP. */
async function formsAt(idp: IdpOptions) {
  const hosts = await startVendorHosts({
    mcpServers: { [linear.url]: linear.issuer },
    clientIds: { [linear.issuer]: 'a1b2' },
    idp: idp.issuer,
  });
  const bot = new ServicePrincipal({ idp, servers: { linear }, fetch: hosts.fetch });
  try {
    assert.deepEqual((await bot.token('linear')).scopes, ['issues:read']);
    return hosts.posted.filter(({ url }) => !url.startsWith(linear.issuer));
  } finally {
    await bot.close();
    await hosts.close();
  }
}

{
  // #region okta
  const acme = okta({ domain: 'acme.okta.com', clientId: '0oa1', key: APP_KEY });
  const idp = acme.idp({ subject: fromIdToken(() => session.idToken) }); // a user's: Okta has no ID-JAG for the bot itself
  // #endregion
  const [exchange] = await formsAt(idp);
  assert.equal(exchange?.url, 'https://acme.okta.com/oauth2/v1/token');
}

{
  // #region okta-for-agents
  const acme = oktaForAgents({
    domain: 'acme.okta.com',
    clientId: 'wlp1', // the AI agent
    key: AGENT_KEY,
    agentUrl: 'https://reporting.acme.example', // its resource URL
    caller: { clientId: '0oa9', key: APP_KEY, scope: 'agent.access' }, // the service app in the delegations of the agent
  });
  const idp = acme.idp();
  // #endregion
  const [own, exchange] = await formsAt(idp);
  assert.deepEqual([own?.form['client_id'], own?.form['resource']], ['0oa9', 'https://reporting.acme.example']);
  assert.deepEqual([exchange?.form['client_id'], exchange?.form['scope']], ['wlp1', 'issues:read']);
}

{
  // #region ping-federate
  const acme = pingFederate({ url: 'https://sso.acme.example:9031', clientId: 'reporting-bot', secret });
  const idp = acme.idp({ subject: fromRefreshToken(() => session.refreshToken) });
  // #endregion
  const [exchange] = await formsAt(idp);
  assert.equal(exchange?.url, 'https://sso.acme.example:9031/as/token.oauth2');
}

{
  // #region descope
  const acme = descope({ issuer: 'https://api.descope.com/v1/apps/P2abc', clientId: 'UDJ', secret });
  const idp = acme.idp();
  // #endregion
  const [own, exchange] = await formsAt(idp);
  assert.equal(own?.form['grant_type'], 'client_credentials');
  assert.equal(exchange?.url, 'https://api.descope.com/oauth2/v1/apps/token');
}

{
  // #region conductor-one
  const acme = conductorOne({ clientId: 'clever-fox-42195@acme.conductor.one/spc', clientSecret: C1_SECRET });
  const idp = acme.idp();
  // without a stored secret: C1 exchanges the token of the platform
  const federated = conductorOne({ clientId: 'quiet-bear-88456@acme.conductor.one/wfe', workload: platform }).idp();
  // #endregion
  const [own, exchange] = await formsAt(idp);
  assert.equal(own?.url, 'https://acme.conductor.one/auth/v1/token');
  assert.ok(own.form['client_assertion'] !== exchange?.form['client_assertion']);
  assert.ok(!JSON.stringify([own, exchange]).includes(C1_SECRET));
  const [first] = await formsAt(federated);
  assert.equal(first?.form['subject_token_type'], 'urn:ietf:params:oauth:token-type:jwt');
}

{
  const env = {
    CONDUCTORONE_CLIENT_ID: 'clever-fox-42195@acme.conductor.one/spc',
    CONDUCTORONE_CLIENT_SECRET: C1_SECRET,
  };
  // #region conductor-one-env
  const idp = conductorOneFromEnv(env)?.idp(); // undefined: none of the variables is set
  // #endregion
  assert.equal(idp?.issuer, 'https://acme.conductor.one');
}

console.log('Okta, Okta for AI Agents, PingFederate, Descope and C1: each request is as the vendor documents it.');
