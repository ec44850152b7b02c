/**
 * Subject tokens for IdPs that do not exchange the principal's own access token, and a client assertion that an external signer
 * makes. Run it with `npx tsx examples/subject-tokens.ts`.
 */
import assert from 'node:assert/strict';
import {
  CLIENT_ASSERTION_TYPE_JWT_BEARER,
  clientAssertion,
  clientSecret,
  fromIdToken,
  isCredenceError,
  ownToken,
  fromRefreshToken,
  ServicePrincipal,
  type SubjectTokenSource,
  TOKEN_TYPE_ID_TOKEN,
  fromWorkloadToken,
} from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { importPKCS8, SignJWT } from 'jose';

const enterprise = await startSandbox();
const me = enterprise.principals['reporting-bot'];
const { url, issuer, clientId, clientSecret: secret } = me.servers.issues;
const credential = clientSecret({ clientId, secret });

/** Represents the holder of the key: a vault, a sidecar or a signing service. */
const key = await importPKCS8(me.privateKey, 'ES256');
const vault = {
  sign: (audience: string) =>
    new SignJWT({ jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: me.keyId })
      .setIssuer(me.clientId)
      .setSubject(me.clientId)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(key),
};

const botWith = (subject: SubjectTokenSource) =>
  new ServicePrincipal({
    idp: {
      issuer: enterprise.idp.issuer,
      // #region assertion
      credential: clientAssertion({
        clientId: 'reporting-bot',
        assertion: ({ issuer }) => vault.sign(issuer), // called before every request to the IdP
      }),
      // #endregion
      subject,
    },
    servers: { issues: { url, issuer, credential } },
  });

/** Requests an access token with `subject`. Resolves to its scopes, or to the leg and code of the refusal. */
async function scopesWith(subject: SubjectTokenSource): Promise<string> {
  const bot = botWith(subject);
  try {
    return (await bot.token('issues')).scopes.join(' ');
  } catch (error) {
    if (!isCredenceError(error)) throw error;
    return `${error.leg}: ${error.code}`;
  } finally {
    await bot.close();
  }
}

async function signIn(): Promise<string> {
  const form = {
    grant_type: 'client_credentials',
    scope: 'openid',
    client_assertion_type: CLIENT_ASSERTION_TYPE_JWT_BEARER,
    client_assertion: await vault.sign(enterprise.idp.issuer),
  };
  const answer = await fetch(enterprise.idp.tokenEndpoint, { method: 'POST', body: new URLSearchParams(form) });
  const { id_token } = (await answer.json()) as { id_token: string };
  return id_token;
}

/** Represents the platform that the bot runs on. The IdP of the sandbox does not trust it. */
const platform = { token: async () => 'the token of the platform' };

/** Represents a place where the program keeps its refresh token. The IdP of the sandbox does not know this token. */
const saved = new Map([['refresh token', process.env['BOT_REFRESH_TOKEN'] ?? 'none']]);

// #region subjects
const own = ownToken({ scope: 'openid', field: 'id_token', type: TOKEN_TYPE_ID_TOKEN }); // the ID token of the principal itself
const signedIn = fromIdToken(() => signIn()); // an ID token that you obtain
const refresh = fromRefreshToken(() => saved.get('refresh token') ?? '', {
  onRotated: (token) => void saved.set('refresh token', token), // the IdP has replaced it
}); // a refresh token that you hold
const workload = fromWorkloadToken(() => platform.token()); // a JWT that the platform issues
// #endregion

const outcomes: Record<string, string> = {};
for (const [name, subject] of Object.entries({ own, signedIn, refresh, workload }))
  outcomes[name] = await scopesWith(subject);
await enterprise.close();

console.log(outcomes);
assert.deepEqual(outcomes, {
  own: 'issues:read',
  signedIn: 'issues:read',
  refresh: 'exchange: invalid_grant', // the sandbox accepts only the first two
  workload: 'exchange: invalid_grant',
});
