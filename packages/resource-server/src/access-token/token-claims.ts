import { cleanText, isJsonObject, readConfirmation } from '@credence/protocol';
import { z } from 'zod';
import { withoutNulls } from './absent-claims.ts';
import type { AccessTokenInfo } from './auth-info.ts';
import type { CheckedJwtForm } from './jwt-form.ts';
import { audienceRemedy, claimRemedy } from './jwt-remedies.ts';
import { type TokenRefusal, type TokenRefusalCode, tokenRefusal } from './refusals.ts';

const strings = z.array(z.string());

/**
 * The claims that both JWTs and introspection responses must or may have. `groups`, `roles` and `jti` are ignored in another form:
 * other products give these names to objects or to a text, and no check here uses them. A restriction of the token (`nbf`,
 * `authorization_details`) or the actor is not ignored.
 */
const claimsSchema = z.looseObject({
  iss: z.string().optional(),
  sub: z.string().min(1).optional(),
  aud: z.union([z.string(), strings]),
  exp: z.number(),
  nbf: z.number().optional(),
  client_id: z.string(),
  jti: z.string().optional().catch(undefined),
  scope: z.string().optional(),
  act: z.record(z.string(), z.unknown()).optional(),
  groups: strings.optional().catch(undefined),
  roles: strings.optional().catch(undefined),
  authorization_details: z.array(z.looseObject({ type: z.string() })).optional(),
  cnf: z.unknown().optional(),
});

const schemas = {
  /** RFC 9068 section 2.2. The RFC also requires `iat` and `jti`, which no check here uses. */
  jwt: claimsSchema.required({ iss: true, sub: true }),
  /** RFC 7662 section 2.2. The response comes from the issuer, and a token issued to the client itself has no `sub`. */
  introspection: claimsSchema,
};

export interface TokenRules {
  /** Where the claims come from. */
  readonly source: 'jwt' | 'introspection';
  readonly issuer: string;
  readonly resource: string;
  /** The accepted audiences: the resource, or the values that are configured in its place. */
  readonly audiences: readonly string[];
  /** The form of the issuer's JWTs, for the remedies of a refusal. Undefined for introspection. */
  readonly form?: CheckedJwtForm | undefined;
  readonly clockToleranceSeconds: number;
  /** Epoch seconds. */
  readonly now: number;
  /** The thumbprint of the key of a verified DPoP proof; undefined if the token was sent as a bearer token. */
  readonly dpopThumbprint: string | undefined;
}

/**
 * Checks the claims, under the names of RFC 9068, against the rules. `original` are the claims as they were signed. Returns the content of the token, or
 * the reason to refuse it.
 */
export function readTokenClaims(
  token: string,
  { claims, original }: { readonly claims: unknown; readonly original: unknown },
  rules: TokenRules,
): AccessTokenInfo | TokenRefusal {
  const parsed = schemas[rules.source].safeParse(withoutNulls(claims));
  if (!parsed.success) {
    const member = String(parsed.error.issues[0]?.path[0] ?? 'a required claim');
    const remedy = claimRemedy(member, claims, original, rules.form);
    return tokenRefusal('missing_claim', {
      refused: `The token lacks ${member}, or it is malformed`,
      ...(remedy !== undefined && { remedy }),
    });
  }
  const { iss, sub, aud, exp, nbf, client_id: clientId, jti, scope, act, groups, roles, cnf } = parsed.data;
  const { authorization_details: authorizationDetails } = parsed.data;
  const refuse = (code: TokenRefusalCode, detail?: string, remedy?: string) =>
    tokenRefusal(code, {
      ...(detail !== undefined && { detail }),
      ...(remedy !== undefined && { remedy }),
      clientId: cleanText(clientId),
      ...(sub !== undefined && { subject: cleanText(sub) }),
      ...(jti !== undefined && { jti: cleanText(jti) }),
    });
  if (iss !== undefined && iss !== rules.issuer) return refuse('wrong_issuer', iss);
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (!audiences.some((audience) => rules.audiences.includes(audience)))
    return refuse('wrong_audience', audiences.join(' '), rules.form && audienceRemedy(rules.form, rules.resource));
  if (exp <= rules.now - rules.clockToleranceSeconds) return refuse('expired');
  if (nbf !== undefined && nbf > rules.now + rules.clockToleranceSeconds) return refuse('not_yet_valid');
  const bindingFault = bindingRefusal(cnf, rules.dpopThumbprint);
  if (bindingFault !== undefined) return refuse(bindingFault);
  return {
    token,
    clientId,
    scopes: scope === undefined ? [] : scope.split(' ').filter((entry) => entry !== ''),
    expiresAt: exp,
    resource: new URL(rules.resource),
    extra: {
      ...(sub !== undefined && { subject: sub }),
      issuer: rules.issuer,
      ...(act !== undefined && { actor: act }),
      ...(groups !== undefined && { groups }),
      ...(roles !== undefined && { roles }),
      ...(authorizationDetails !== undefined && { authorizationDetails }),
      ...(rules.dpopThumbprint !== undefined && { dpopThumbprint: rules.dpopThumbprint }),
      claims: isJsonObject(original) ? { ...original } : parsed.data,
    },
  };
}

/** RFC 9449 sections 7.1 and 7.2: a bound token needs a proof by its key, and a token that is not bound is a bearer token. */
function bindingRefusal(cnf: unknown, dpopThumbprint: string | undefined): TokenRefusalCode | undefined {
  if (dpopThumbprint === undefined) return cnf === undefined ? undefined : 'bound_to_key';
  const { thumbprint } = readConfirmation(cnf);
  if (thumbprint === undefined) return 'not_bound';
  return thumbprint === dpopThumbprint ? undefined : 'proof_mismatch';
}
