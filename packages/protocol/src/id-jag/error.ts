import { cleanText } from '../text/clean.ts';

/**
 * Every reason to refuse an ID-JAG: the OAuth error and the description that are sent to the client (RFC 6749 section 5.2,
 * RFC 8707), and what the operator of the server can do. docs/errors.md is generated from this table.
 */
export const ID_JAG_ERRORS = {
  too_large: {
    oauthError: 'invalid_grant',
    message: 'the assertion is too large',
    remedy: 'Ask the IdP to issue ID-JAGs with fewer or smaller claims.',
  },
  malformed: {
    oauthError: 'invalid_grant',
    message: 'the assertion is not a signed JWT',
    remedy: 'Check that the client sends the ID-JAG itself as `assertion`.',
  },
  wrong_type: {
    oauthError: 'invalid_grant',
    message: 'the typ header is not oauth-id-jag+jwt',
    remedy: 'Check that the client sends an ID-JAG and not an ID token or an access token.',
  },
  algorithm_not_allowed: {
    oauthError: 'invalid_grant',
    message: 'the signature algorithm is not allowed',
    remedy: 'Allow the algorithm for this issuer, or ask the IdP to sign with another algorithm.',
  },
  critical_header: {
    oauthError: 'invalid_grant',
    message: 'the header has a critical extension',
    remedy: 'Ask the IdP to issue ID-JAGs without critical extensions.',
  },
  issuer_not_trusted: {
    oauthError: 'invalid_grant',
    message: 'the issuer is not a trusted identity provider',
    remedy: 'If you trust the issuer, add it to `issuers`, exactly as it is in the ID-JAG.',
  },
  keys_unavailable: {
    oauthError: 'temporarily_unavailable',
    message: "the identity provider's keys cannot be fetched at the moment",
    remedy: "Check that the IdP's key set can be reached from this server; the client may try again.",
  },
  unknown_key: {
    oauthError: 'invalid_grant',
    message: 'the identity provider does not publish the signing key',
    remedy: 'If every ID-JAG is refused, the configured key set is not the key set of the issuer.',
  },
  bad_signature: {
    oauthError: 'invalid_grant',
    message: 'the signature is not valid',
    remedy: 'If every ID-JAG is refused, the configured key set is not the key set of the issuer.',
  },
  wrong_audience: {
    oauthError: 'invalid_grant',
    message: 'the audience is not this authorization server alone',
    remedy:
      'Ask the IdP to set the audience to the issuer identifier of this authorization server, exactly, character for character.',
  },
  wrong_client: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG was issued for another client',
    remedy: "Ask the IdP to set `client_id` to the client's id at this server.",
  },
  missing_claim: {
    oauthError: 'invalid_grant',
    message: 'a required claim is missing',
    remedy: 'Ask the IdP to add the claim that `detail` names.',
  },
  invalid_claim: {
    oauthError: 'invalid_grant',
    message: 'a claim has an invalid type or value',
    remedy: 'Ask the IdP to correct the claim that `detail` names.',
  },
  wrong_tenant: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is not from a tenant that is accepted here',
    remedy: 'If you trust the tenant, add it to `tenants` of this issuer.',
  },
  wrong_audience_tenant: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is not for a tenant of this server that its issuer and its client may use',
    remedy: 'If the issuer may grant access to the tenant, add the tenant to `audienceTenants` of this issuer.',
  },
  expired: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG has expired',
    remedy: 'Check the clocks of the IdP and of this server. If they are right, the client must request a new ID-JAG.',
  },
  not_yet_valid: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is not valid yet',
    remedy: 'Check the clocks of the IdP and of this server.',
  },
  lifetime_too_long: {
    oauthError: 'invalid_grant',
    message: 'the lifetime of the ID-JAG is longer than is accepted here',
    remedy: 'Ask the IdP to issue ID-JAGs with a shorter lifetime, or increase `maxLifetimeSeconds`.',
  },
  wrong_resource: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG names a resource that this server does not serve',
    remedy:
      'Add the resource to `resources`, or ask the IdP to issue ID-JAGs only for resources that are in `resources`.',
  },
  unsupported_confirmation: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is bound to a key in a way that is not supported here',
    remedy: 'Ask the IdP to bind ID-JAGs to a DPoP key by its thumbprint (`cnf.jkt`).',
  },
  proof_required: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is bound to a key and no proof was presented',
    remedy: 'The client must send a DPoP proof that it makes with the key that the ID-JAG is bound to.',
  },
  proof_mismatch: {
    oauthError: 'invalid_grant',
    message: 'the proof was not made with the key that the ID-JAG is bound to',
    remedy: 'The client must use the same DPoP key to request and to redeem the ID-JAG.',
  },
  replayed: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG was used before',
    remedy: 'The client must request a new ID-JAG. If no client redeemed the ID-JAG twice, somebody stole it.',
  },
  replay_unknown: {
    oauthError: 'temporarily_unavailable',
    message: 'the server cannot check at the moment whether the ID-JAG was used before',
    remedy: 'Check the replay store: it fails, or it is full.',
  },
} as const satisfies Record<string, { oauthError: string; message: string; remedy: string }>;

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
  /** What this server's operator can do about it; not for the client. */
  readonly remedy: string;
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
    this.remedy = ID_JAG_ERRORS[code].remedy;
    this.detail = detail;
    this.identity = identity;
  }
}
