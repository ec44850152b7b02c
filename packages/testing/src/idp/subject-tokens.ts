import { randomBytes } from 'node:crypto';
import { GrantRefusal } from '@credence/authorization-server';
import type { Clock } from '@credence/core';
import { TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_JWT } from '@credence/protocol';
import type { JWTPayload } from 'jose';
import type { SigningKey } from '../tokens/signing-key.ts';

/** A user's token that a test asks the fake for. */
export interface UserTokenOptions {
  /** The subject, for example the id of a user. */
  readonly subject: string;
  /** The client id that the token is for. */
  readonly audience: string;
  /** Further claims. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** Its lifetime in seconds. */
  readonly lifetimeSeconds: number;
}

/** The tokens that the IdP accepts as subject and actor tokens. */
export interface SubjectTokens {
  /** Issues the own access token of a client. */
  issue(clientId: string, lifetimeSeconds: number): string;
  /** Signs an ID token of a user. */
  idToken(options: UserTokenOptions): Promise<string>;
  /** The subject of a token that this client presents. Throws GrantRefusal. */
  subjectOf(token: string, type: string, clientId: string): Promise<string>;
  /** The time at which the last live own token expires, in milliseconds since the epoch. */
  lastExpiryMs(): number;
}

export function subjectTokens(issuer: string, key: SigningKey, clock: Clock): SubjectTokens {
  const own = new Map<string, { clientId: string; expiresAtMs: number }>();
  return {
    issue(clientId, lifetimeSeconds) {
      const token = randomBytes(24).toString('base64url');
      own.set(token, { clientId, expiresAtMs: clock.wallMs() + lifetimeSeconds * 1000 });
      return token;
    },
    async idToken({ subject, audience, claims, lifetimeSeconds }) {
      return key.sign('JWT', { ...claims, iss: issuer, sub: subject, aud: audience }, lifetimeSeconds);
    },
    async subjectOf(token, type, clientId) {
      if (type === TOKEN_TYPE_ACCESS_TOKEN) {
        const known = own.get(token);
        if (known === undefined || known.clientId !== clientId || known.expiresAtMs <= clock.wallMs()) {
          throw new GrantRefusal('invalid_grant', 'the subject token is unknown, expired or of another client');
        }
        return known.clientId;
      }
      if (type !== TOKEN_TYPE_ID_TOKEN && type !== TOKEN_TYPE_JWT) {
        throw new GrantRefusal('invalid_request', `the token type ${type} is not supported`);
      }
      return subjectOfJwt(token, { issuer, key, audience: clientId });
    },
    lastExpiryMs: () => Math.max(0, ...[...own.values()].map(({ expiresAtMs }) => expiresAtMs)),
  };
}

/** Section 4.3 of draft-ietf-oauth-identity-assertion-authz-grant: an ID token is for the client that exchanges it. */
async function subjectOfJwt(
  token: string,
  { issuer, key, audience }: { issuer: string; key: SigningKey; audience: string },
): Promise<string> {
  let claims: JWTPayload;
  try {
    claims = await key.verify(token, { issuer, audience });
  } catch {
    throw new GrantRefusal('invalid_grant', 'the subject token is not a valid token of this IdP for this client');
  }
  if (claims.sub === undefined) throw new GrantRefusal('invalid_grant', 'the subject token has no sub');
  return claims.sub;
}
