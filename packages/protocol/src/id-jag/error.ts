import { cleanText } from '../text/clean.ts';

/**
 * Every reason to refuse an ID-JAG, with the OAuth error (RFC 6749 section 5.2, RFC 8707) and the description that are
 * sent to the client.
 */
export const ID_JAG_ERRORS = {
  too_large: { oauthError: 'invalid_grant', message: 'the assertion is too large' },
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
  invalid_claim: { oauthError: 'invalid_grant', message: 'a claim has an invalid type or value' },
  wrong_tenant: { oauthError: 'invalid_grant', message: 'the ID-JAG is not from a tenant that is accepted here' },
  wrong_audience_tenant: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is not for a tenant of this server that its issuer and its client may use',
  },
  expired: { oauthError: 'invalid_grant', message: 'the ID-JAG has expired' },
  not_yet_valid: { oauthError: 'invalid_grant', message: 'the ID-JAG is not valid yet' },
  lifetime_too_long: {
    oauthError: 'invalid_grant',
    message: 'the lifetime of the ID-JAG is longer than is accepted here',
  },
  wrong_resource: { oauthError: 'invalid_target', message: 'the ID-JAG is for a resource this server does not serve' },
  unsupported_confirmation: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is bound to a key in a way that is not supported here',
  },
  proof_required: { oauthError: 'invalid_grant', message: 'the ID-JAG is bound to a key and no proof was presented' },
  proof_mismatch: {
    oauthError: 'invalid_grant',
    message: 'the proof was not made with the key that the ID-JAG is bound to',
  },
  replayed: { oauthError: 'invalid_grant', message: 'the ID-JAG was used before' },
  replay_unknown: {
    oauthError: 'temporarily_unavailable',
    message: 'the server cannot check at the moment whether the ID-JAG was used before',
  },
} as const satisfies Record<string, { oauthError: string; message: string }>;

/** Which check refused an ID-JAG: a member of {@link ID_JAG_ERRORS}. */
export type IdJagErrorCode = keyof typeof ID_JAG_ERRORS;

/** The signed claims that identify an ID-JAG, without control characters and cut to a maximum length. */
export interface IdJagIdentity {
  /** The claim `iss`; empty if it is not a string. */
  readonly issuer: string;
  /** The claim `sub`. */
  readonly subject?: string;
  /** The claim `jti`. */
  readonly jwtId?: string;
  /** The claim `client_id`. */
  readonly clientId?: string;
}

/** The {@link IdJagIdentity} in the claims of an ID-JAG. */
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
 * `code` names the check that failed, `oauthError` is the OAuth error that the token endpoint sends, `message` is one
 * fixed sentence, and `detail` tells an administrator more (a claim's name, the value that was found), without control
 * characters and cut. None of them contains the assertion or its signature, so all are safe to log. Only `message` may be
 * sent to the client.
 */
export class IdJagError extends Error {
  /** Always `IdJagError`. */
  override readonly name = 'IdJagError';
  /** Which check failed; see {@link ID_JAG_ERRORS}. */
  readonly code: IdJagErrorCode;
  /** The OAuth error that the token endpoint sends. */
  readonly oauthError: (typeof ID_JAG_ERRORS)[IdJagErrorCode]['oauthError'];
  /**
   * What an administrator needs to know beyond the message: a claim's name, or the value that was found. Undefined if the
   * message says everything.
   */
  readonly detail: string | undefined;
  /** Identifies the ID-JAG, if its signature is valid, so that a stolen one can be traced. */
  readonly identity: IdJagIdentity | undefined;

  constructor(code: IdJagErrorCode, detail?: string, identity?: IdJagIdentity) {
    super(ID_JAG_ERRORS[code].message);
    this.code = code;
    this.oauthError = ID_JAG_ERRORS[code].oauthError;
    this.detail = detail;
    this.identity = identity;
  }
}
