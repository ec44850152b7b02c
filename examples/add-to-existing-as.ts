/**
 * Adds the redemption of ID-JAGs to an existing authorization server. The server here is a few lines of Express and does not
 * use oidc-provider. It needs one more handler at its token endpoint and one more call for its metadata.
 * Run it with `npx tsx examples/add-to-existing-as.ts`.
 */
import assert from 'node:assert/strict';
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { clientSecret, privateKeyJwt, ServicePrincipal } from '@credence/core';
// #region imports
import {
  accessTokenClaims,
  type AccountDirectory,
  oauthBrowserAccess,
  expressIdJag,
  GrantRefusal,
  idJagTokenEndpoint,
  linkAccounts,
  memoryReplayStore,
  oauthErrors,
  type RedeemAuditRecord,
  type Redemption,
  withIdJagMetadata,
} from '@credence/authorization-server';
import { accessTokenVerifier } from '@credence/resource-server';
import express from 'express';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
// #endregion
import { startIdentityProvider } from './support/identity-provider.ts';
import { listen } from './support/listen.ts';

const { origin: issuer, serve, close } = await listen(); // https://as.example
const idp = await startIdentityProvider();
const resource = 'https://mcp.example/mcp';

// The existing server: clients, accounts, keys, and a token endpoint with other grants.
const { privateKey, publicKey } = await generateKeyPair('ES256');
const publicJwk = { ...(await exportJWK(publicKey)), kid: 'as-2026', alg: 'ES256', use: 'sig' };
const clients = new Map([['bot-at-as', 'the client secret from registration']]);
const links = new Map<string, string>();
const suspended = new Set<string>();
const trail: RedeemAuditRecord[] = [];
const app = express();

// #region accounts
const accounts: AccountDirectory = {
  bySubject: (key) => {
    const accountId = links.get(JSON.stringify(key));
    if (accountId !== undefined && suspended.has(accountId)) {
      // The client receives the error code and the description. The third argument is only for the audit record.
      throw new GrantRefusal('invalid_grant', 'the account is suspended', `${accountId} is suspended`);
    }
    return accountId;
  },
  provision: () => randomUUID(), // do not use the subject as account id: two issuers may use the same subject
  link: (key, accountId) => {
    // In a database: an INSERT with a unique constraint on the subject and on the account id.
    const subject = JSON.stringify(key);
    if (links.has(subject) || [...links.values()].includes(accountId)) return false;
    links.set(subject, accountId);
    return true;
  },
};
// #endregion

// #region issue-access-token
const issueAccessToken = (redemption: Redemption) =>
  new SignJWT(accessTokenClaims(redemption, issuer))
    .setProtectedHeader({ alg: 'ES256', kid: publicJwk.kid, typ: 'at+jwt' })
    .sign(privateKey);
// #endregion

// #region token-endpoint
const tokenEndpoint = `${issuer}/token`;
const idJag = idJagTokenEndpoint({
  issuer,
  issuers: { [idp.issuer]: {} },
  resources: { [resource]: { scopes: ['issues:read', 'issues:write'] } },
  scopesFor: [{ group: 'engineering', scopes: ['issues:read'] }],
  account: linkAccounts(accounts),
  authenticateClient: (client) =>
    'clientSecret' in client && sameText(client.clientSecret, clients.get(client.clientId))
      ? client.clientId
      : undefined,
  issueAccessToken,
  replay: { singleUse: memoryReplayStore() }, // for several instances: redisReplayStore of @credence/redis
  dpop: { tokenEndpoint },
  audit: (record) => trail.push(record),
});

app.use(['/.well-known', '/jwks'], oauthBrowserAccess({ origins: '*' }).express); // every web page may read the metadata
app.post('/token', expressIdJag(idJag), express.urlencoded({ extended: false }), otherGrants);
app.get('/.well-known/oauth-authorization-server', (_request, response) => {
  response.json(withIdJagMetadata(existingMetadata(), { dpop: {} })); // names jwks_uri and grant_types_supported
});
app.get('/jwks', (_request, response) => void response.json({ keys: [publicJwk] })); // the URL in jwks_uri
app.use(oauthErrors()); // JSON in place of the error pages of Express
// #endregion
serve(app);

function otherGrants(_request: express.Request, response: express.Response) {
  response.status(400).json({ error: 'unsupported_grant_type', error_description: 'not one of the existing grants' });
}

function existingMetadata() {
  return { issuer, token_endpoint: tokenEndpoint, jwks_uri: `${issuer}/jwks`, grant_types_supported: [] };
}

function sameText(given: string, expected = ''): boolean {
  const [left, right] = [given, expected].map((text) => createHash('sha256').update(text).digest());
  return left !== undefined && right !== undefined && expected !== '' && timingSafeEqual(left, right);
}

// A bot gets an access token for its own account, with the scopes of its group.
const botWith = (secret: string) =>
  new ServicePrincipal({
    idp: { issuer: idp.issuer, credential: privateKeyJwt(idp.credential) },
    servers: {
      issues: { url: resource, resource, issuer, credential: clientSecret({ clientId: 'bot-at-as', secret }) },
    },
  });
const secret = clients.get('bot-at-as') ?? '';
const verifier = accessTokenVerifier({ issuer, resource, jwt: {} });
const [account] = await Promise.all(
  // Two copies of the bot redeem at the same time, and both get the same account.
  [botWith(secret), botWith(secret)].map(async (bot) => {
    const { value } = await bot.token('issues');
    const { clientId, scopes, extra } = await verifier.verifyAccessToken(value);
    console.log(`${extra.subject} by ${clientId}: ${scopes.join(' ')}`);
    assert.deepEqual({ subject: extra.subject, scopes }, { subject: [...links.values()][0], scopes: ['issues:read'] });
    await bot.close();
    return extra.subject;
  }),
);
assert.equal(links.size, 1);
assert.deepEqual(
  trail.map(({ linkedBy }) => linkedBy),
  ['provisioning', 'subject'],
);

// A web page may read the metadata, and a body that is too large is answered with JSON.
const metadataUrl = `${issuer}/.well-known/oauth-authorization-server`;
const page = await fetch(metadataUrl, { headers: { origin: 'https://app.example' } });
assert.equal(page.headers.get('access-control-allow-origin'), '*');
const tooLarge = await fetch(tokenEndpoint, {
  method: 'POST',
  body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x'.repeat(200_000) }),
});
assert.equal(tooLarge.status, 413);
assert.equal(((await tooLarge.json()) as { error: string }).error, 'invalid_request');

// A suspended account gets no access token.
suspended.add(account ?? '');
const late = botWith(secret);
await assert.rejects(late.token('issues'), { code: 'invalid_grant' });
await late.close();
assert.equal(trail.at(-1)?.reason, `${account} is suspended`);

// A wrong client secret is refused, and the other grants still work as before.
const impostor = botWith('a guess');
await assert.rejects(impostor.token('issues'), { code: 'invalid_client' });
await impostor.close();
const other = await fetch(tokenEndpoint, { method: 'POST', body: new URLSearchParams({ grant_type: 'password' }) });
assert.match(await other.text(), /not one of the existing grants/);

assert.equal(trail.at(-1)?.error, 'invalid_client');
await Promise.all([close(), idp.close()]);
