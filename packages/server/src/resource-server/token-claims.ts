import { z } from 'zod';
import type { AccessTokenInfo } from './auth-info.ts';

/** What an RFC 9068 token and an RFC 7662 answer have in common. */
const claimsSchema = z.looseObject({
  iss: z.string().optional(),
  sub: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
  nbf: z.number().optional(),
  client_id: z.string(),
  scope: z.string().optional(),
  act: z.record(z.string(), z.unknown()).optional(),
  cnf: z.unknown().optional(),
});

export interface TokenRules {
  readonly issuer: string;
  readonly resource: string;
  readonly clockToleranceSeconds: number;
  /** Epoch seconds. */
  readonly now: number;
}

/** Claims held against the rules: what the token says of its bearer, or why it is refused. */
export function readTokenClaims(
  token: string,
  claims: unknown,
  rules: TokenRules,
): AccessTokenInfo | { refused: string } {
  const parsed = claimsSchema.safeParse(claims);
  if (!parsed.success) return { refused: 'The token lacks what an access token must say' };
  const { iss, sub, aud, exp, nbf, client_id: clientId, scope, act, cnf } = parsed.data;
  if (iss !== undefined && iss !== rules.issuer) return { refused: 'The token is of another issuer' };
  if (!(Array.isArray(aud) ? aud : [aud]).includes(rules.resource))
    return { refused: 'The token is for another resource' };
  if (exp <= rules.now - rules.clockToleranceSeconds) return { refused: 'The token has expired' };
  if (nbf !== undefined && nbf > rules.now + rules.clockToleranceSeconds)
    return { refused: 'The token is not valid yet' };
  // A bound token sent as a bearer token is what binding is there to stop (RFC 9449 section 7.2).
  if (cnf !== undefined) return { refused: 'The token is bound to a key and cannot be used as a bearer token' };
  return {
    token,
    clientId,
    scopes: scope === undefined ? [] : scope.split(' ').filter((entry) => entry !== ''),
    expiresAt: exp,
    resource: new URL(rules.resource),
    extra: {
      subject: sub ?? clientId,
      issuer: rules.issuer,
      ...(act !== undefined && { actor: act }),
      claims: parsed.data,
    },
  };
}
