import { z } from 'zod';
import type { AccessTokenInfo } from './auth-info.ts';

const strings = z.array(z.string());
/** RFC 7800: a confirmation that is not understood must not be skipped. */
const confirmation = z.strictObject({ jkt: z.string() });

/** What an RFC 9068 token and an RFC 7662 answer have in common. */
const claimsSchema = z.looseObject({
  iss: z.string().optional(),
  sub: z.string().optional(),
  aud: z.union([z.string(), strings]),
  exp: z.number(),
  nbf: z.number().optional(),
  client_id: z.string(),
  scope: z.string().optional(),
  act: z.record(z.string(), z.unknown()).optional(),
  groups: strings.optional(),
  roles: strings.optional(),
  authorization_details: z.array(z.looseObject({ type: z.string() })).optional(),
  cnf: z.unknown().optional(),
});

export interface TokenRules {
  readonly issuer: string;
  readonly resource: string;
  readonly clockToleranceSeconds: number;
  /** Epoch seconds. */
  readonly now: number;
  /** Of the key of a verified DPoP proof; undefined where the token was sent as a bearer token. */
  readonly dpopThumbprint: string | undefined;
}

/** Claims held against the rules: what the token says of its bearer, or why it is refused. */
export function readTokenClaims(
  token: string,
  claims: unknown,
  rules: TokenRules,
): AccessTokenInfo | { refused: string } {
  const parsed = claimsSchema.safeParse(claims);
  if (!parsed.success) return { refused: 'The token lacks what an access token must say' };
  const { iss, sub, aud, exp, nbf, client_id: clientId, scope, act, groups, roles, cnf } = parsed.data;
  const { authorization_details: authorizationDetails } = parsed.data;
  if (iss !== undefined && iss !== rules.issuer) return { refused: 'The token is of another issuer' };
  if (!(Array.isArray(aud) ? aud : [aud]).includes(rules.resource))
    return { refused: 'The token is for another resource' };
  if (exp <= rules.now - rules.clockToleranceSeconds) return { refused: 'The token has expired' };
  if (nbf !== undefined && nbf > rules.now + rules.clockToleranceSeconds)
    return { refused: 'The token is not valid yet' };
  const unbound = bindingRefusal(cnf, rules.dpopThumbprint);
  if (unbound !== undefined) return { refused: unbound };
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
      ...(groups !== undefined && { groups }),
      ...(roles !== undefined && { roles }),
      ...(authorizationDetails !== undefined && { authorizationDetails }),
      ...(rules.dpopThumbprint !== undefined && { dpopThumbprint: rules.dpopThumbprint }),
      claims: parsed.data,
    },
  };
}

/** RFC 9449 sections 7.1 and 7.2: a bound token works with a proof by its key only, any other as a bearer token only. */
function bindingRefusal(cnf: unknown, dpopThumbprint: string | undefined): string | undefined {
  if (dpopThumbprint === undefined) {
    return cnf === undefined ? undefined : 'The token is bound to a key and cannot be used as a bearer token';
  }
  const { data } = confirmation.safeParse(cnf);
  if (data === undefined) return 'The token is not bound to the key of a DPoP proof';
  return data.jkt === dpopThumbprint ? undefined : 'The DPoP proof is not by the key the token is bound to';
}
