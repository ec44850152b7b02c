/**
 * The identity provider of an organisation, made with oidc-provider and the policy table of this package. An administrator
 * changes the table while the provider runs. The next exchange and the audit trail reflect every change.
 * Run it with `npx tsx examples/idp-policy.ts`.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
// #region imports
import {
  createSigningKeys,
  idJagIdentityProviderConfiguration,
  type IssueAuditRecord,
  addIdJagExchange,
  issuePrincipalIdTokens,
  policyTable,
} from '@credence/identity-provider';
import { verifyIdJag } from '@credence/authorization-server';
// #endregion
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { Provider } from 'oidc-provider';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const server = createServer();
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const ISSUER = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // https://acme.idp.example

const providerKeys = await generateKeyPair('ES256', { extractable: true });
const providerKey = { ...(await exportJWK(providerKeys.privateKey)), kty: 'EC', alg: 'ES256', use: 'sig' };
const botKeys = await generateKeyPair('ES256');
const botPublicKey = { ...(await exportJWK(botKeys.publicKey)), kty: 'EC', kid: 'bot-1' };
const platformKeys = await generateKeyPair('ES256');
const platformPublicKey = { ...(await exportJWK(platformKeys.publicKey)), kid: 'ci-1', alg: 'ES256' };
const PAIRWISE_SECRET = 'a secret of 32 bytes or more, kept like a signing key';
const trail: IssueAuditRecord[] = [];

// #region identity-provider
const table = policyTable({
  servers: {
    linear: {
      issuer: 'https://linear.example', // its authorization server
      resource: 'https://mcp.linear.example/mcp',
      scopes: ['issues:read', 'issues:write', 'issues:delete'],
      enabledScopes: ['issues:read', 'issues:write'],
      clients: { 'reporting-bot': 'a1b2' }, // client id at this IdP: client id at the server's authorization server
      maxLifetimeSeconds: 120,
    },
    wiki: {
      issuer: 'https://wiki.example',
      resource: 'https://wiki.example/mcp',
      scopes: ['pages:read'],
      clients: { 'reporting-bot': 'bot-7' },
      algorithm: 'EdDSA', // the algorithm that its authorization server verifies
      userAuthentication: { maxAgeSeconds: 3600, acrValues: ['mfa'] }, // other users must sign in again
    },
  },
  groups: { readers: { wiki: ['pages:read'] } },
  principals: {
    'reporting-bot': {
      groups: ['readers'],
      grants: { linear: { default: ['issues:read'], onRequest: ['issues:write', 'issues:delete'] } },
    },
  },
  pairwiseSecret: PAIRWISE_SECRET, // each authorization server gets a different subject for the bot
});

const provider = new Provider(ISSUER, {
  ...idJagIdentityProviderConfiguration(),
  jwks: { keys: [providerKey] },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  clients: [
    {
      client_id: 'reporting-bot',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [botPublicKey] },
      grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      redirect_uris: [],
      response_types: [],
    },
  ],
});

// #region issue
const signingKeys = await createSigningKeys({ algorithms: ['ES256', 'EdDSA'] });
addIdJagExchange(provider, {
  signingKeys,
  policy: table.policy, // or your own function
  subject: table.subject,
  workloadPlatforms: {
    'https://ci.acme.example': {
      jwks: { keys: [platformPublicKey] }, // optional: discovered by default
      workloads: [{ clientId: 'reporting-bot', claims: { sub: 'repo:acme/reports:ref:refs/heads/main' } }],
    },
  },
  audit: (record) => trail.push(record),
});
// #endregion
// For clients that can only exchange ID tokens: client_credentials with the scope openid issues one.
issuePrincipalIdTokens(provider, { signingKeys, subject: table.subject });
// #endregion

const callback = provider.callback();
server.on('request', (request, response) => void callback(request, response));

const as: oauth.AuthorizationServer = { issuer: ISSUER, token_endpoint: `${ISSUER}/token` };
const client: oauth.Client = { client_id: 'reporting-bot' };
const authentication = oauth.PrivateKeyJwt({ key: botKeys.privateKey, kid: 'bot-1' });
const loopback = { [oauth.allowInsecureRequests]: true };

type Target = 'linear' | 'wiki';
const targets = {
  linear: { audience: 'https://linear.example', resource: 'https://mcp.linear.example/mcp' },
  wiki: { audience: 'https://wiki.example', resource: 'https://wiki.example/mcp' },
};

/** The principal's own access token. */
async function ownToken(): Promise<string> {
  const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, loopback);
  return (await oauth.processClientCredentialsResponse(as, client, response)).access_token;
}

/** Sends a token exchange. Resolves to the answer of the IdP and to its audit record. */
async function exchange(
  target: Target,
  parameters: Record<string, string> = {},
): Promise<{ body: Record<string, unknown>; record: IssueAuditRecord }> {
  const response = await oauth.genericTokenEndpointRequest(
    as,
    client,
    authentication,
    TOKEN_EXCHANGE,
    {
      requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      subject_token: parameters['subject_token'] ?? (await ownToken()),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...targets[target],
      ...parameters,
    },
    loopback,
  );
  const body = (await response.json()) as Record<string, unknown>;
  const record = trail.at(-1);
  assert.ok(record !== undefined, 'every decision is recorded');
  const outcome = record.granted ? record.grantedScopes?.join(' ') : `${record.status}: ${record.reason}`;
  console.log(`${target.padEnd(7)} ${parameters['scope'] ?? '(default)'} -> ${outcome}`);
  return { body, record };
}

/** Verifies an ID-JAG as the authorization server of `target` does. */
const verify = (target: Target, body: Record<string, unknown>, clientId: string) =>
  verifyIdJag(String(body['access_token']), {
    issuers: { [ISSUER]: {} },
    audience: targets[target].audience,
    resources: [targets[target].resource],
    clientId,
  });

// The default grant: limited in time, and with a different subject for each authorization server.
const first = await exchange('linear');
const atLinear = await verify('linear', first.body, 'a1b2');
assert.deepEqual(atLinear.scopes, ['issues:read']);
assert.equal(first.body['expires_in'], 120);
const atWiki = await verify('wiki', (await exchange('wiki')).body, 'bot-7');
assert.notEqual(atWiki.subject, atLinear.subject);
assert.deepEqual([first.record.subject, first.record.issuedSubject], ['reporting-bot', atLinear.subject]);

// A scope that is granted to the principal but not enabled for the server.
const early = await exchange('linear', { scope: 'issues:delete' });
assert.equal(early.body['error'], 'invalid_scope');
assert.equal(early.record.status, 'scope_not_enabled');

table.enableScope('linear', 'issues:delete');
table.pauseServer('wiki'); // the IdP issues no ID-JAG for a paused server until it is resumed
table.grant('readers', 'linear', ['issues:write']);
table.revoke('reporting-bot', 'linear', ['issues:read']);

assert.equal((await exchange('linear', { scope: 'issues:delete' })).body['scope'], 'issues:delete');
assert.equal((await exchange('wiki')).record.status, 'server_paused');
assert.equal((await exchange('linear')).body['scope'], 'issues:write');
assert.equal((await exchange('linear', { scope: 'issues:read' })).record.status, 'no_grant_for_scope');

// A CI build acts as the bot with the token of its platform. A build of another repository is refused.
const buildToken = (repository: string) =>
  new SignJWT({ sub: `repo:acme/${repository}:ref:refs/heads/main` })
    .setProtectedHeader({ alg: 'ES256', kid: 'ci-1', typ: 'JWT' })
    .setIssuer('https://ci.acme.example')
    .setAudience(ISSUER)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(platformKeys.privateKey);
const asBuild = async (repository: string) => ({
  subject_token: await buildToken(repository),
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
});
assert.equal((await exchange('linear', await asBuild('reports'))).body['scope'], 'issues:write');
assert.equal((await exchange('linear', await asBuild('games'))).record.status, 'subject_token_refused');

table.disablePrincipal('reporting-bot');
const last = await exchange('linear');
assert.deepEqual([last.body['error'], last.record.status], ['access_denied', 'principal_disabled']);
assert.ok(!JSON.stringify(last.body).includes('disabled'), 'only the audit record contains the reason');

console.log(`${trail.length} decisions, all recorded`);
server.closeAllConnections();
server.close();
