import { createHash } from 'node:crypto';
import { isJsonObject, stringField } from '@credence/protocol';

/**
 * A hash that identifies the principal of a verified access token: issuer, account, client and tenants. It is the same for
 * each token of the principal, because tokens are renewed while a session lasts. Throws a TypeError if `auth` is not an
 * AccessTokenInfo.
 */
export function principalOf(auth: unknown): string {
  const extra = isJsonObject(auth) ? auth['extra'] : undefined;
  const clientId = isJsonObject(auth) ? stringField(auth, 'clientId') : undefined;
  const issuer = isJsonObject(extra) ? stringField(extra, 'issuer') : undefined;
  if (!isJsonObject(extra) || clientId === undefined || issuer === undefined) {
    throw new TypeError(
      'boundSessions: no verified access token; use it after expressAccessToken or honoAccessToken, or set principal',
    );
  }
  const claims = isJsonObject(extra['claims']) ? extra['claims'] : undefined;
  const tenants = ['tenant', 'aud_tenant'].map((name) => stringField(claims, name) ?? null);
  return hashOf([issuer, stringField(extra, 'subject') ?? null, clientId, ...tenants]);
}

/** A hash of values that may be long, so that the memory for each session is bounded. */
export function hashOf(values: readonly (string | null)[]): string {
  return createHash('sha256').update(JSON.stringify(values)).digest('base64url');
}
