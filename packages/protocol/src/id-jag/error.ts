import { cleanText } from '../text/clean.ts';

/**
 * Every reason for which an ID-JAG is refused, with the OAuth error it is answered with (RFC 6749 section 5.2, RFC
 * 8707).
 */
export const ID_JAG_ERRORS = {
  too_large: { oauthError: 'invalid_grant', message: 'the assertion is larger than any honest ID-JAG' },
  malformed: { oauthError: 'invalid_grant', message: 'the assertion is not a signed JWT' },
  wrong_type: { oauthError: 'invalid_grant', message: 'the typ header is not oauth-id-jag+jwt' },
  algorithm_not_allowed: { oauthError: 'invalid_grant', message: 'the signature algorithm is not allowed' },
  critical_header: { oauthError: 'invalid_grant', message: 'the header has a critical extension' },
  issuer_not_trusted: { oauthError: 'invalid_grant', message: 'the issuer is not a trusted identity provider' },
  keys_unavailable: {
    oauthError: 'temporarily_unavailable',
    message: "the identity provider's keys cannot be fetched at the moment",
  },
  unknown_key: { oauthError: 'invalid_grant', message: 'the identity provider does not publish the signing key' },
  bad_signature: { oauthError: 'invalid_grant', message: 'the signature is not valid' },
  wrong_audience: { oauthError: 'invalid_grant', message: 'the audience is not this authorization server alone' },
  wrong_client: { oauthError: 'invalid_grant', message: 'the ID-JAG was issued for another client' },
  missing_claim: { oauthError: 'invalid_grant', message: 'a required claim is missing' },
  invalid_claim: { oauthError: 'invalid_grant', message: 'a claim is not of the kind it must be' },
  wrong_tenant: { oauthError: 'invalid_grant', message: 'the ID-JAG is of a tenant that is not accepted here' },
  wrong_audience_tenant: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is for a tenant of this server that it may not be for',
  },
  expired: { oauthError: 'invalid_grant', message: 'the ID-JAG has expired' },
  not_yet_valid: { oauthError: 'invalid_grant', message: 'the ID-JAG is not valid yet' },
  lifetime_too_long: { oauthError: 'invalid_grant', message: 'the ID-JAG lives longer than is accepted here' },
  wrong_resource: { oauthError: 'invalid_target', message: 'the ID-JAG is for a resource this server does not serve' },
  unsupported_confirmation: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is bound to a key in a way that is not supported here',
  },
  proof_required: { oauthError: 'invalid_grant', message: 'the ID-JAG is bound to a key and no proof was presented' },
  proof_mismatch: { oauthError: 'invalid_grant', message: 'the proof is not by the key the ID-JAG is bound to' },
  replayed: { oauthError: 'invalid_grant', message: 'the ID-JAG was used before' },
  replay_unknown: {
    oauthError: 'temporarily_unavailable',
    message: 'it cannot be known at the moment whether the ID-JAG was used before',
  },
} as const satisfies Record<string, { oauthError: string; message: string }>;

/** Which check refused an ID-JAG: a member of {@link ID_JAG_ERRORS}. */
export type IdJagErrorCode = keyof typeof ID_JAG_ERRORS;

/** The signed claims that say which ID-JAG it is, cleaned and cut. */
export interface IdJagIdentity {
  /** The claim `iss`; empty where it is not a string. */
  readonly issuer: string;
  /** The claim `sub`. */
  readonly subject?: string;
  /** The claim `jti`. */
  readonly jwtId?: string;
  /** The claim `client_id`. */
  readonly clientId?: string;
}

/** Of the claims of an ID-JAG that has an issuer. */
export function identityOf({ iss, sub, jti, client_id: clientId }: Readonly<Record<string, unknown>>): IdJagIdentity {
  return {
    issuer: typeof iss === 'string' ? cleanText(iss) : '',
    ...(typeof sub === 'string' && { subject: cleanText(sub) }),
    ...(typeof jti === 'string' && { jwtId: cleanText(jti) }),
    ...(typeof clientId === 'string' && { clientId: cleanText(clientId) }),
  };
}

/**
 * An ID-JAG was refused.
 *
 * `code` names the check that failed, `oauthError` is what the token endpoint answers, `message` is one fixed
 * sentence, and `detail` adds what an administrator needs (a claim's name, what was found instead), cleaned and cut.
 * None of them carries the assertion or a part of its signature, so all are safe to audit; only `message` is meant for
 * the client.
 */
export class IdJagError extends Error {
  /** Always `IdJagError`. */
  override readonly name = 'IdJagError';
  /** Which check failed; see {@link ID_JAG_ERRORS}. */
  readonly code: IdJagErrorCode;
  /** The OAuth error that the token endpoint answers. */
  readonly oauthError: (typeof ID_JAG_ERRORS)[IdJagErrorCode]['oauthError'];
  /**
   * What an administrator needs to know, where there is more to say than the message: a claim's name, what was found
   * instead.
   */
  readonly detail: string | undefined;
  /** Whose ID-JAG it was, where its signature is valid: a stolen one can be traced. */
  readonly identity: IdJagIdentity | undefined;

  constructor(code: IdJagErrorCode, detail?: string, identity?: IdJagIdentity) {
    super(ID_JAG_ERRORS[code].message);
    this.code = code;
    this.oauthError = ID_JAG_ERRORS[code].oauthError;
    this.detail = detail;
    this.identity = identity;
  }
}
