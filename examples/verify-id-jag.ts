/**
 * Verifies an ID-JAG with one function, for a token endpoint that implements the rest of the grant itself. Run it with
 * `npx tsx examples/verify-id-jag.ts`.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createSigningKeys } from '@credence/identity-provider';
import { IdJagError, verifyIdJag } from '@credence/authorization-server';
const idp = await createSigningKeys(); // the signing keys of the identity provider
const iat = Math.floor(Date.now() / 1000);
const claims = {
  iss: 'https://acme.idp.example',
  sub: 'reporting-bot',
  aud: 'https://as.example',
  iat,
  exp: iat + 300,
};

async function redeem(assertion: string, authenticatedClientId: string, proofThumbprint?: string) {
  // #region verify
  try {
    const { subject, groups, scopes } = await verifyIdJag(assertion, {
      issuers: { 'https://acme.idp.example': { jwks: idp.publicJwks() } }, // or {}: keys by discovery
      audience: 'https://as.example',
      clientId: authenticatedClientId,
      resources: ['https://mcp.example/mcp'],
      dpopThumbprint: proofThumbprint, // the key thumbprint of the verified DPoP proof, if one was sent
    });
    return { status: 200, subject, groups, scopes };
  } catch (error) {
    if (!(error instanceof IdJagError)) throw error;
    // `code` and `detail` are for the audit record, `message` is for the client
    return {
      status: error.oauthError === 'temporarily_unavailable' ? 503 : 400,
      error: error.oauthError,
      code: error.code,
    };
  }
  // #endregion
}

const sign = (more: Record<string, unknown>) =>
  idp.sign(
    { ...claims, client_id: 'a1b2', jti: randomUUID(), scope: 'issues:read', ...more },
    { typ: 'oauth-id-jag+jwt' },
  );

assert.deepEqual(await redeem(await sign({ groups: ['engineering'] }), 'a1b2'), {
  status: 200,
  subject: 'reporting-bot',
  groups: ['engineering'],
  scopes: ['issues:read'],
});
assert.deepEqual(await redeem(await sign({}), 'somebody-else'), {
  status: 400,
  error: 'invalid_grant',
  code: 'wrong_client',
});
assert.deepEqual(await redeem(await sign({ resource: 'https://elsewhere.example' }), 'a1b2'), {
  status: 400,
  error: 'invalid_grant',
  code: 'wrong_resource',
});
console.log('one granted, two refused');
