import { randomUUID } from 'node:crypto';
import type { Redemption } from '../redeem/redemption.ts';

/**
 * The claims of a JWT access token (RFC 9068 section 2.2). Sign them with the `typ` header `at+jwt`, and with a key that the
 * issuer publishes.
 */
export function accessTokenClaims(redemption: Redemption, issuer: string, now = new Date()): Record<string, unknown> {
  const { accountId, clientId, resource, scopes, authorizationDetails, dpopThumbprint } = redemption;
  const iat = Math.floor(now.getTime() / 1000);
  return {
    ...redemption.claims,
    iss: issuer,
    sub: accountId,
    aud: resource,
    client_id: clientId,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    ...(authorizationDetails !== undefined && { authorization_details: authorizationDetails }),
    ...(dpopThumbprint !== undefined && { cnf: { jkt: dpopThumbprint } }),
    iat,
    exp: iat + redemption.expiresInSeconds,
    jti: randomUUID(),
  };
}
