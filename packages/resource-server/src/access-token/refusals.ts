import { quoted, within } from '@credence/protocol';
import type { TokenVerificationUnavailableError } from './errors.ts';

/** One reason to refuse a request. */
interface RefusalEntry {
  /** The sentence that is sent to the client. */
  readonly message: string;
  /** What to change, if the configuration of this server or of its authorization server can be the cause. */
  readonly remedy?: string;
}

/** Every reason to refuse a request. docs/errors.md is generated from this table. */
export const ACCESS_REFUSALS: Readonly<Record<AccessRefusalCode, RefusalEntry>> = {
  no_token: {
    message: 'No access token was sent',
    remedy: 'If the client sends an access token, check whether a proxy removes the Authorization header.',
  },
  bearer_not_accepted: { message: 'Only tokens that are bound to a key are accepted' },
  dpop_not_accepted: { message: 'Tokens that are bound to a key are not accepted here' },
  proof_required: { message: 'A DPoP proof is needed' },
  proof_refused: {
    message: 'The DPoP proof is not valid for this request',
    remedy: 'If the proof is for another URL because a proxy changes the path, set dpop.url.',
  },
  nonce_needed: { message: 'The DPoP proof lacks a nonce of this server' },
  replay_unknown: {
    message: 'The server cannot check at the moment whether the DPoP proof was used before',
    remedy: 'Check the replay store: it fails, or it is full.',
  },
  verification_unavailable: { message: 'The token cannot be verified at the moment' },
  malformed: {
    message: 'The token is not a signed JWT',
    remedy: 'Use introspection if the access tokens of the authorization server are not JWTs.',
  },
  wrong_type: {
    message: 'The token is not a JWT access token',
    remedy:
      'JWT access tokens have the type at+jwt (RFC 9068). If the authorization server issues JWTs of another type, set jwt.types; if it issues no JWTs, use introspection.',
  },
  algorithm_not_allowed: {
    message: 'The signature algorithm is not allowed',
    remedy: 'Add the algorithm to jwt.algorithms, or configure the authorization server to sign with another one.',
  },
  unknown_key: {
    message: 'The authorization server does not publish the signing key',
    remedy: 'If every token is refused, jwt.jwksUri is not the key set of the issuer.',
  },
  bad_signature: {
    message: 'The signature is not valid',
    remedy: 'If every token is refused, jwt.jwksUri is not the key set of the issuer.',
  },
  inactive: {
    message: 'The token is unknown, expired or revoked',
    remedy: 'If every token is refused, introspection.clientId may not introspect tokens at the authorization server.',
  },
  wrong_token_type: {
    message: 'The token is of a type that is not accepted',
    remedy: 'Only Bearer tokens and DPoP tokens are accepted; a DPoP token needs the member cnf.',
  },
  missing_claim: {
    message: 'The token lacks a required claim',
    remedy: 'Configure the authorization server to send the claim in its tokens or introspection responses.',
  },
  wrong_issuer: {
    message: 'The token is of another issuer',
    remedy: 'Set issuer to the issuer identifier of the authorization server, exactly, character for character.',
  },
  wrong_audience: {
    message: 'The token is for another resource',
    remedy:
      'The client must request this resource, and the authorization server must have it under the same identifier, exactly, character for character.',
  },
  expired: { message: 'The token has expired' },
  not_yet_valid: { message: 'The token is not valid yet' },
  bound_to_key: {
    message: 'The token is bound to a key and cannot be used as a bearer token',
    remedy:
      'Use accessTokenGate, to which the client sends a DPoP proof; requireBearerAuth of the SDKs does not support DPoP.',
  },
  not_bound: { message: 'The token is not bound to the key of a DPoP proof' },
  proof_mismatch: { message: 'The DPoP proof was not made with the key that the token is bound to' },
};

/** The fault of an access token. A fault that an ID-JAG can have too has the same code as in IdJagErrorCode. */
export type TokenRefusalCode =
  | 'malformed'
  | 'wrong_type'
  | 'algorithm_not_allowed'
  | 'unknown_key'
  | 'bad_signature'
  | 'inactive'
  | 'wrong_token_type'
  | 'missing_claim'
  | 'wrong_issuer'
  | 'wrong_audience'
  | 'expired'
  | 'not_yet_valid'
  | 'bound_to_key'
  | 'not_bound'
  | 'proof_mismatch';

/**
 * The reason why a request was refused: a fault of its access token, or one of the following. `no_token` and `nonce_needed`
 * are not errors of the client, which usually sends the token or the nonce in its next request. For `replay_unknown` and
 * `verification_unavailable` the response is 503, because the token can be valid.
 */
export type AccessRefusalCode =
  | TokenRefusalCode
  | 'no_token'
  | 'bearer_not_accepted'
  | 'dpop_not_accepted'
  | 'proof_required'
  | 'proof_refused'
  | 'nonce_needed'
  | 'replay_unknown'
  | 'verification_unavailable';

/** The identifiers in an access token whose signature is verified, or in an introspection response. */
export interface TokenIdentity {
  /** The client that the token was issued to. */
  readonly clientId?: string;
  /** The claim `sub`. */
  readonly subject?: string;
  /** The claim `jti`. */
  readonly jti?: string;
}

/** An access token was refused. */
export interface TokenRefusal extends TokenIdentity {
  /** The reason, in a sentence for the client. */
  readonly refused: string;
  /** The check that the token failed. */
  readonly code: TokenRefusalCode;
  /** The value found in the token, for the record. */
  readonly detail?: string;
  /** What to change, for the record, if it depends on the token or the options. Default: the remedy of the code. */
  readonly remedy?: string;
}

/** A record of a refused request. The record never contains a token or a proof. */
export interface AccessRefusal extends TokenIdentity {
  /** When it was refused. */
  readonly time: Date;
  /** The resource identifier of this server. */
  readonly resource: string;
  /** The check that the request failed. */
  readonly code: AccessRefusalCode;
  /** The sentence sent to the client, and the value that was found, quoted: `The token is for another resource: "https://..."`. */
  readonly reason: string;
  /** What to change, if the configuration of this server or of its authorization server can be the cause. */
  readonly remedy?: string;
  /** The id of the run, as the client states it in the header `Credence-Run`. It is not verified. */
  readonly statedRun?: string;
}

/**
 * Called for each refused request. The response waits for it, for at most ten seconds. If it throws, the response does not
 * change.
 */
export type OnRefused = ((refusal: AccessRefusal) => void) | ((refusal: AccessRefusal) => Promise<void>);

/** Creates a TokenRefusal. `more.refused` replaces the usual sentence. */
export function tokenRefusal(code: TokenRefusalCode, more: Partial<Omit<TokenRefusal, 'code'>> = {}): TokenRefusal {
  return { refused: ACCESS_REFUSALS[code].message, code, ...more };
}

const MAX_REPORT_MS = 10_000;

/** Calls `onRefused` with a refusal and its remedy. Never rejects. */
export async function report(onRefused: OnRefused | undefined, refusal: AccessRefusal): Promise<void> {
  const remedy = refusal.remedy ?? ACCESS_REFUSALS[refusal.code].remedy;
  try {
    const result = onRefused?.({ ...refusal, ...(remedy !== undefined && { remedy }) });
    if (result !== undefined) await within(MAX_REPORT_MS, Promise.resolve(result));
  } catch {
    // An error of onRefused must not change the response.
  }
}

/** The part of an AccessRefusal that describes the reason. */
export type Reason = Omit<AccessRefusal, 'time' | 'resource'>;

export function refusedToken({ refused, detail, ...rest }: TokenRefusal): Reason {
  return { ...rest, reason: detail === undefined ? refused : `${refused}: ${quoted(detail)}` };
}

export function unverifiable({ reason, remedy }: TokenVerificationUnavailableError): Reason {
  return { code: 'verification_unavailable', reason, ...(remedy !== undefined && { remedy }) };
}
