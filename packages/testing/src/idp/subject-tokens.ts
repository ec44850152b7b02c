import { randomBytes } from 'node:crypto';
import { GrantRefusal } from '@credence/authorization-server';
import type { Clock } from '@credence/core';
import {
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_TOKEN,
  TOKEN_TYPE_JWT,
  TOKEN_TYPE_REFRESH_TOKEN,
} from '@credence/protocol';
import type { JWTPayload } from 'jose';
import type { SigningKey } from '../tokens/signing-key.ts';
import { verifyWorkloadToken } from '../tokens/workload-token.ts';

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
  /** Issues a refresh token of a user. It does not expire. */
  refreshToken(subject: string, clientId: string): string;
  /** The subject of a token that this client presents. Throws GrantRefusal. */
  subjectOf(token: string, type: string, clientId: string): Promise<string>;
  /** The time at which the last live own token expires, in milliseconds since the epoch. */
  lastExpiryMs(): number;
}

export function subjectTokens(issuer: string, key: SigningKey, clock: Clock): SubjectTokens {
  const own = new Map<string, { clientId: string; expiresAtMs: number }>();
  const refreshTokens = new Map<string, { subject: string; clientId: string }>();
  return {
    issue(clientId, lifetimeSeconds) {
      const token = randomBytes(24).toString('base64url');
      own.set(token, { clientId, expiresAtMs: clock.wallMs() + lifetimeSeconds * 1000 });
      return token;
    },
    async idToken({ subject, audience, claims, lifetimeSeconds }) {
      return key.sign('JWT', { ...claims, iss: issuer, sub: subject, aud: audience }, lifetimeSeconds);
    },
    refreshToken(subject, clientId) {
      const token = randomBytes(24).toString('base64url');
      refreshTokens.set(token, { subject, clientId });
      return token;
    },
    async subjectOf(token, type, clientId) {
      if (type === TOKEN_TYPE_REFRESH_TOKEN) {
        const known = refreshTokens.get(token);
        if (known?.clientId === clientId) return known.subject;
        throw new GrantRefusal('invalid_grant', 'the refresh token is unknown, or of another client');
      }
      if (type === TOKEN_TYPE_ACCESS_TOKEN) {
        const known = own.get(token);
        if (known === undefined || known.clientId !== clientId || known.expiresAtMs <= clock.wallMs()) {
          throw new GrantRefusal('invalid_grant', 'the subject token is unknown, expired or of another client');
        }
        return known.clientId;
      }
      if (type === TOKEN_TYPE_JWT) return verifyWorkloadToken(token, issuer, key);
      if (type === TOKEN_TYPE_ID_TOKEN) return subjectOfIdToken(token, { issuer, key, audience: clientId });
      throw new GrantRefusal('invalid_request', `the token type ${type} is not supported`);
    },
    lastExpiryMs: () => Math.max(0, ...[...own.values()].map(({ expiresAtMs }) => expiresAtMs)),
  };
}

/** Section 4.3 of draft-ietf-oauth-identity-assertion-authz-grant: an ID token is for the client that exchanges it. */
async function subjectOfIdToken(
  token: string,
  { issuer, key, audience }: { issuer: string; key: SigningKey; audience: string },
): Promise<string> {
  let claims: JWTPayload;
  try {
    claims = await key.verify(token, { issuer, audience });
  } catch {
    throw new GrantRefusal('invalid_grant', 'the ID token is not a valid one of this IdP for this client');
  }
  if (claims.sub === undefined) throw new GrantRefusal('invalid_grant', 'the ID token has no sub');
  return claims.sub;
}
