/**
 * An authorization server that is no oidc-provider, a few lines of Express with clients and keys of its own, learns to redeem
 * ID-JAGs: one handler in its token endpoint, one call for its metadata. Runs by `npx tsx examples/add-to-existing-as.ts`.
 */
import assert from 'node:assert/strict';
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { clientSecret, privateKeyJwt, ServicePrincipal } from '@credence/core';
// #region imports
import {
  accessTokenClaims,
  type AccountDirectory,
  expressIdJag,
  GrantRefusal,
  idJagTokenEndpoint,
  linkAccounts,
  memoryReplayStore,
  type RedeemAuditRecord,
  withIdJagMetadata,
} from '@credence/authorization-server';
import { accessTokenVerifier } from '@credence/resource-server';
import { createSigningKeys } from '@credence/identity-provider';
import express from 'express';
// #endregion
import { startIdentityProvider } from './support/identity-provider.ts';
import { listen } from './support/listen.ts';

const { origin: issuer, serve, close } = await listen(); // https://as.example
const idp = await startIdentityProvider();
const resource = 'https://mcp.example/mcp';

// What is there already: clients, accounts, keys, and a token endpoint with grants of its own.
const signingKeys = await createSigningKeys({ algorithms: ['ES256'] });
const clients = new Map([['bot-at-as', 'what the bot was given when it was registered here']]);
const links = new Map<string, string>();
const suspended = new Set<string>();
const trail: RedeemAuditRecord[] = [];
const app = express();

// #region accounts
const accounts: AccountDirectory = {
  bySubject: (key) => {
    const accountId = links.get(JSON.stringify(key));
    if (accountId !== undefined && suspended.has(accountId)) {
      // The error and the sentence are for the client, the rest is for the audit record.
      throw new GrantRefusal('invalid_grant', 'the account is suspended', `${accountId} is suspended`);
    }
    return accountId;
  },
  provision: () => randomUUID(), // never the subject alone: other issuers have the same
  link: (key, accountId) => {
    // In a database, an INSERT with a unique constraint on each of the two.
    const subject = JSON.stringify(key);
    if (links.has(subject) || [...links.values()].includes(accountId)) return false;
    links.set(subject, accountId);
    return true;
  },
};
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
  issueAccessToken: (redemption) => signingKeys.sign(accessTokenClaims(redemption, issuer), { typ: 'at+jwt' }),
  replay: { singleUse: memoryReplayStore() }, // several instances share redisReplayStore of @credence/redis
  dpop: { tokenEndpoint },
  audit: (record) => trail.push(record),
});

app.post('/token', expressIdJag(idJag), express.urlencoded({ extended: false }), otherGrants);
app.get('/.well-known/oauth-authorization-server', (_request, response) => {
  response.json(withIdJagMetadata(existingMetadata(), { dpop: {} }));
});
// #endregion
app.get('/jwks', (_request, response) => void response.json(signingKeys.publicJwks()));
serve(app);

function otherGrants(_request: express.Request, response: express.Response) {
  response.status(400).json({ error: 'unsupported_grant_type', error_description: 'the grants that were there' });
}

function existingMetadata() {
  return { issuer, token_endpoint: tokenEndpoint, jwks_uri: `${issuer}/jwks`, grant_types_supported: [] };
}

function sameText(given: string, expected = ''): boolean {
  const [left, right] = [given, expected].map((text) => createHash('sha256').update(text).digest());
  return left !== undefined && right !== undefined && expected !== '' && timingSafeEqual(left, right);
}

// A bot gets in, with an account of its own and the scopes its group has here.
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
  // Two copies of it at once, and both have the same account.
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

// Until the account is suspended.
suspended.add(account ?? '');
const late = botWith(secret);
await assert.rejects(late.token('issues'), { code: 'invalid_grant' });
await late.close();
assert.equal(trail.at(-1)?.reason, `${account} is suspended`);

// One with a wrong secret does not, and the other grants are as they were.
const impostor = botWith('a guess');
await assert.rejects(impostor.token('issues'), { code: 'invalid_client' });
await impostor.close();
const other = await fetch(tokenEndpoint, { method: 'POST', body: new URLSearchParams({ grant_type: 'password' }) });
assert.match(await other.text(), /the grants that were there/);

assert.equal(trail.at(-1)?.error, 'invalid_client');
await Promise.all([close(), idp.close()]);
