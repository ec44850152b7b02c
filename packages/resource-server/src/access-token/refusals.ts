import { shown, within } from '@credence/protocol';
import type { TokenVerificationUnavailableError } from './errors.ts';

/** One reason for a refusal. */
interface RefusalEntry {
  /** What the client is told. */
  readonly message: string;
  /** What to change, where the configuration of this server or of its authorization server may be the cause. */
  readonly remedy?: string;
}

/** Every reason for which a request is refused. docs/errors.md is made from this table. */
export const ACCESS_REFUSALS: Readonly<Record<AccessRefusalCode, RefusalEntry>> = {
  no_token: {
    message: 'No access token was sent',
    remedy: 'Where the client does send one, something in between takes the Authorization header away.',
  },
  bearer_not_accepted: { message: 'Only bound tokens are accepted' },
  dpop_not_accepted: { message: 'Bound tokens are not accepted here' },
  proof_required: { message: 'A DPoP proof is needed' },
  proof_refused: {
    message: 'The DPoP proof is not valid for this request',
    remedy: 'Where it is about the URL and a proxy changes the path, set dpop.url.',
  },
  nonce_needed: { message: 'The DPoP proof lacks the nonce that this server gives' },
  replay_unknown: {
    message: 'It cannot be known at the moment whether the DPoP proof was used before',
    remedy: 'The replay store cannot be asked, or is full.',
  },
  verification_unavailable: { message: 'The token cannot be verified at the moment' },
  malformed: {
    message: 'The token is not a signed JWT',
    remedy: 'Use introspection where the authorization server issues access tokens that are no JWTs.',
  },
  wrong_type: {
    message: 'The token is not a JWT access token',
    remedy:
      'JWT access tokens have the type at+jwt (RFC 9068). Use introspection where the authorization server issues others.',
  },
  algorithm_not_allowed: {
    message: 'The signature algorithm is not allowed',
    remedy: 'List it in jwt.algorithms, or let the authorization server sign with another.',
  },
  unknown_key: {
    message: 'The authorization server does not publish the signing key',
    remedy: 'Where it happens to every token, jwt.jwksUri is not the key set of the issuer.',
  },
  bad_signature: {
    message: 'The signature is not valid',
    remedy: 'Where it happens to every token, jwt.jwksUri is not the key set of the issuer.',
  },
  inactive: {
    message: 'The token is unknown, expired or revoked',
    remedy: 'Where it happens to every token, the authorization server does not let introspection.clientId ask.',
  },
  wrong_token_type: {
    message: 'The token is of a type that is not accepted',
    remedy: 'Only Bearer and DPoP tokens are understood, the latter with a cnf member.',
  },
  missing_claim: {
    message: 'The token lacks what an access token must say',
    remedy: 'Let the authorization server say it in its tokens or introspection answers.',
  },
  wrong_issuer: {
    message: 'The token is of another issuer',
    remedy: 'issuer must be the issuer identifier of the authorization server, letter by letter.',
  },
  wrong_audience: {
    message: 'The token is for another resource',
    remedy:
      'The client must ask for this resource, and the authorization server know it by the same identifier, letter by letter.',
  },
  expired: { message: 'The token has expired' },
  not_yet_valid: { message: 'The token is not valid yet' },
  bound_to_key: {
    message: 'The token is bound to a key and cannot be used as a bearer token',
    remedy: 'It must come with a DPoP proof, through accessTokenGate; requireBearerAuth of the SDKs knows none.',
  },
  not_bound: { message: 'The token is not bound to the key of a DPoP proof' },
  proof_mismatch: { message: 'The DPoP proof is not by the key the token is bound to' },
};

/** What is wrong with an access token; where an ID-JAG can have the same fault, by the same name as in IdJagErrorCode. */
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
 * Why a request was refused. `no_token` and `nonce_needed` are no faults: a client begins that way. `replay_unknown` and
 * `verification_unavailable` are answered 503, because the token may be valid.
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

/** Whom a token names, once its signature is verified or the authorization server has said so. */
export interface TokenIdentity {
  /** The client that the token was issued to. */
  readonly clientId?: string;
  /** The claim `sub`. */
  readonly subject?: string;
  /** The claim `jti`. */
  readonly jti?: string;
}

/** An access token that is not good here. */
export interface TokenRefusal extends TokenIdentity {
  /** Why, in a sentence for the client. */
  readonly refused: string;
  /** Which check the token did not pass. */
  readonly code: TokenRefusalCode;
  /** What the token says instead, for the record. */
  readonly detail?: string;
}

/** One request that was refused. Never a token, never a proof. */
export interface AccessRefusal extends TokenIdentity {
  /** When it was refused. */
  readonly time: Date;
  /** The resource identifier of this server. */
  readonly resource: string;
  /** Which check the request did not pass. */
  readonly code: AccessRefusalCode;
  /** What the client was told, and what was found instead, quoted: `The token is for another resource: "https://..."`. */
  readonly reason: string;
  /** What to change, where it may be the configuration of this server or of its authorization server. */
  readonly remedy?: string;
}

/**
 * Is told of one request that is refused. It is awaited before the answer is given, for ten seconds at most, and where it
 * throws, the answer stays what it is.
 */
export type OnRefused = ((refusal: AccessRefusal) => void) | ((refusal: AccessRefusal) => Promise<void>);

/** `more.refused` stands in for the usual sentence. */
export function tokenRefusal(code: TokenRefusalCode, more: Partial<Omit<TokenRefusal, 'code'>> = {}): TokenRefusal {
  return { refused: ACCESS_REFUSALS[code].message, code, ...more };
}

const MAX_TOLD_MS = 10_000;

/** Hands a refusal to `onRefused`, with what to do about it. */
export async function report(onRefused: OnRefused | undefined, refusal: AccessRefusal): Promise<void> {
  const remedy = refusal.remedy ?? ACCESS_REFUSALS[refusal.code].remedy;
  try {
    const told = onRefused?.({ ...refusal, ...(remedy !== undefined && { remedy }) });
    if (told !== undefined) await within(MAX_TOLD_MS, Promise.resolve(told));
  } catch {
    // A refusal stays what it is.
  }
}

/** What the record says of it, besides when and where. */
export type Reason = Omit<AccessRefusal, 'time' | 'resource'>;

export function refusedToken({ refused, detail, ...known }: TokenRefusal): Reason {
  return { ...known, reason: detail === undefined ? refused : `${refused}: ${shown(detail)}` };
}

export function unverifiable({ reason, remedy }: TokenVerificationUnavailableError): Reason {
  return { code: 'verification_unavailable', reason, ...(remedy !== undefined && { remedy }) };
}
