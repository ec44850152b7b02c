import { shown, within } from '@credence/protocol';
import type { TokenVerificationUnavailableError } from './errors.ts';

/** What is wrong with an access token, in the sentence that its client is told. */
const TOKEN_REFUSALS: Readonly<Record<TokenRefusalCode, string>> = {
  malformed: 'The token is not a signed JWT',
  wrong_type: 'The token is not a JWT access token',
  algorithm_not_allowed: 'The signature algorithm is not allowed',
  unknown_key: 'The authorization server does not publish the signing key',
  bad_signature: 'The signature is not valid',
  inactive: 'The token is unknown, expired or revoked',
  wrong_token_type: 'The token is of a type that is not accepted',
  missing_claim: 'The token lacks what an access token must say',
  wrong_issuer: 'The token is of another issuer',
  wrong_audience: 'The token is for another resource',
  expired: 'The token has expired',
  not_yet_valid: 'The token is not valid yet',
  bound_to_key: 'The token is bound to a key and cannot be used as a bearer token',
  not_bound: 'The token is not bound to the key of a DPoP proof',
  proof_mismatch: 'The DPoP proof is not by the key the token is bound to',
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
 * Why a request was refused. Besides what is wrong with a token: `no_token` and `nonce_needed` are how conversations
 * begin; the last two are answered 503, for the token may be good.
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
  return { refused: TOKEN_REFUSALS[code], code, ...more };
}

const REMEDIES: Partial<Record<AccessRefusalCode, string>> = {
  no_token: 'Where the client does send one, something in between takes the Authorization header away.',
  malformed: 'Use introspection where the authorization server issues access tokens that are no JWTs.',
  wrong_type:
    'JWT access tokens have the type at+jwt (RFC 9068). Use introspection where the authorization server issues others.',
  algorithm_not_allowed: 'List it in jwt.algorithms, or let the authorization server sign with another.',
  unknown_key: 'Where it happens to every token, jwt.jwksUri is not the key set of the issuer.',
  bad_signature: 'Where it happens to every token, jwt.jwksUri is not the key set of the issuer.',
  inactive: 'Where it happens to every token, the authorization server does not let introspection.clientId ask.',
  wrong_token_type: 'Only Bearer and DPoP tokens are understood, the latter with a cnf member.',
  missing_claim: 'Let the authorization server say it in its tokens or introspection answers.',
  wrong_issuer: 'issuer must be the issuer identifier of the authorization server, letter by letter.',
  wrong_audience:
    'The client must ask for this resource, and the authorization server know it by the same identifier, letter by letter.',
  bound_to_key: 'It must come with a DPoP proof, through accessTokenGate; requireBearerAuth of the SDKs knows none.',
  proof_refused: 'Where it is about the URL and a proxy changes the path, set dpop.url.',
  replay_unknown: 'The replay store cannot be asked, or is full.',
};

const MAX_TOLD_MS = 10_000;

/** Hands a refusal to `onRefused`, with what to do about it. */
export async function report(onRefused: OnRefused | undefined, refusal: AccessRefusal): Promise<void> {
  const remedy = refusal.remedy ?? REMEDIES[refusal.code];
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
