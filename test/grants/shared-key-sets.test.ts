import { type TrustedIssuer, verifyIdJag } from '@credence/authorization-server';
import type { FetchLike } from '@credence/protocol';
import { accessTokenVerifier, type JwtOptions } from '@credence/resource-server';
import { afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { IdJags, NOW, NOW_S } from '../support/roles/id-jags.ts';
import { type Loopback, loopback } from '../support/roles/loopback.ts';

let keys: IdJags;
let server: Loopback;
beforeAll(async () => {
  keys = await IdJags.create();
});
beforeEach(async () => {
  server = await loopback();
  server.serve((request, response) => {
    const metadata = { issuer: server.origin, jwks_uri: `${server.origin}/jwks` };
    response.end(JSON.stringify(request.url === '/jwks' ? keys.jwks : metadata));
  });
});
afterEach(() => server.close());

/** Verifies an access token at each of ten MCP servers, with a verifier of their own. */
async function verifyAccessTokens(jwt: JwtOptions, fetch?: FetchLike): Promise<void> {
  await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      const resource = `https://mcp-${index}.example/mcp`;
      const token = await keys.sign({ iss: server.origin, aud: resource, client_id: 'bot' }, { typ: 'at+jwt' });
      const verifier = accessTokenVerifier({ issuer: server.origin, resource, jwt: { ...jwt }, fetch, now: () => NOW });
      expect(await verifier.checkAccessToken(token)).toMatchObject({ clientId: 'bot' });
    }),
  );
}

async function verifyIdJags(trusted: TrustedIssuer): Promise<void> {
  await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      const assertion = await keys.sign({ iss: server.origin, jti: `j-${index}`, iat: NOW_S - 10 });
      const options = keys.options({ issuers: { [server.origin]: { ...trusted } } });
      expect(await verifyIdJag(assertion, options)).toMatchObject({ subject: 'bot-7' });
    }),
  );
}

it('verifiers of access tokens and of ID-JAGs with the same jwksUri share one key set', async () => {
  const jwksUri = `${server.origin}/jwks`;
  await Promise.all([verifyAccessTokens({ jwksUri }), verifyIdJags({ jwksUri })]);
  expect([...server.hits]).toEqual([['/jwks', 1]]);
});

it('verifiers of access tokens and of ID-JAGs of the same issuer share its metadata and key set', async () => {
  await Promise.all([verifyAccessTokens({}), verifyIdJags({})]);
  expect(server.hits.get('/jwks')).toBe(1);
  expect([...server.hits.values()]).toEqual([1, 1]);
});

it('verifiers with another fetch share no key set, because it may reach other hosts', async () => {
  const jwksUri = `${server.origin}/jwks`;
  await verifyAccessTokens({ jwksUri });
  await verifyAccessTokens({ jwksUri }, (...request) => fetch(...request));
  expect(server.hits.get('/jwks')).toBeGreaterThan(1);
});
