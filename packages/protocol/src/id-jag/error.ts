import { cleanText } from '../text/clean.ts';

/**
 * Every reason for which an ID-JAG is refused, with the OAuth error it is answered with (RFC 6749 section 5.2, RFC
 * 8707), and what the server's operator can do about it. docs/errors.md is made from this table.
 */
export const ID_JAG_ERRORS = {
  too_large: {
    oauthError: 'invalid_grant',
    message: 'the assertion is larger than any honest ID-JAG',
    remedy: 'Ask the IdP to put less into the ID-JAG.',
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
    remedy: 'Allow the algorithm for this issuer, or let the IdP sign with another.',
  },
  critical_header: {
    oauthError: 'invalid_grant',
    message: 'the header has a critical extension',
    remedy: 'Ask the IdP to issue ID-JAGs without critical extensions.',
  },
  issuer_not_trusted: {
    oauthError: 'invalid_grant',
    message: 'the issuer is not a trusted identity provider',
    remedy: 'Add the issuer to `issuers`, exactly as the ID-JAG spells it, if you trust it.',
  },
  keys_unavailable: {
    oauthError: 'temporarily_unavailable',
    message: "the identity provider's keys cannot be fetched at the moment",
    remedy: "Check that the IdP's key set can be reached from this server; the client may try again.",
  },
  unknown_key: {
    oauthError: 'invalid_grant',
    message: 'the identity provider does not publish the signing key',
    remedy: 'Where it happens to every ID-JAG, the configured key set is not that of the issuer.',
  },
  bad_signature: {
    oauthError: 'invalid_grant',
    message: 'the signature is not valid',
    remedy: 'Where it happens to every ID-JAG, the configured key set is not that of the issuer.',
  },
  wrong_audience: {
    oauthError: 'invalid_grant',
    message: 'the audience is not this authorization server alone',
    remedy: 'The IdP must know this authorization server by its issuer identifier, letter by letter.',
  },
  wrong_client: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG was issued for another client',
    remedy: 'Ask the IdP to write the client id that this server knows the client by.',
  },
  missing_claim: {
    oauthError: 'invalid_grant',
    message: 'a required claim is missing',
    remedy: 'Ask the IdP to add the claim that `detail` names.',
  },
  invalid_claim: {
    oauthError: 'invalid_grant',
    message: 'a claim is not of the kind it must be',
    remedy: 'Ask the IdP to correct the claim that `detail` names.',
  },
  wrong_tenant: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is of a tenant that is not accepted here',
    remedy: 'List the tenant for this issuer, if you trust it.',
  },
  wrong_audience_tenant: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is for a tenant of this server that it may not be for',
    remedy: 'List the tenant in `audienceTenants` of this issuer, if it may decide for that tenant.',
  },
  expired: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG has expired',
    remedy: 'Check the clocks of the IdP and of this server; otherwise the client must get a new ID-JAG.',
  },
  not_yet_valid: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is not valid yet',
    remedy: 'Check the clocks of the IdP and of this server.',
  },
  lifetime_too_long: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG lives longer than is accepted here',
    remedy: 'Ask the IdP for a shorter lifetime, or raise the limit.',
  },
  wrong_resource: {
    oauthError: 'invalid_target',
    message: 'the ID-JAG is for a resource this server does not serve',
    remedy: 'Add the resource to `resources`, or let the client ask for one that is there.',
  },
  unsupported_confirmation: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is bound to a key in a way that is not supported here',
    remedy: 'Ask the IdP to bind ID-JAGs by the thumbprint of a DPoP key (`cnf.jkt`).',
  },
  proof_required: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG is bound to a key and no proof was presented',
    remedy: 'The client must send a DPoP proof by the key that the ID-JAG is bound to.',
  },
  proof_mismatch: {
    oauthError: 'invalid_grant',
    message: 'the proof is not by the key the ID-JAG is bound to',
    remedy: 'The client must use one DPoP key for the exchange and for the redemption.',
  },
  replayed: {
    oauthError: 'invalid_grant',
    message: 'the ID-JAG was used before',
    remedy: 'The client must get a new ID-JAG. Where no client did this twice, the ID-JAG was stolen.',
  },
  replay_unknown: {
    oauthError: 'temporarily_unavailable',
    message: 'it cannot be known at the moment whether the ID-JAG was used before',
    remedy: 'Check the replay store: it cannot be asked, or it is full.',
  },
} as const satisfies Record<string, { oauthError: string; message: string; remedy: string }>;

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
  /** What this server's operator can do about it; not for the client. */
  readonly remedy: string;
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
    this.remedy = ID_JAG_ERRORS[code].remedy;
    this.detail = detail;
    this.identity = identity;
  }
}
