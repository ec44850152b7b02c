import {
  checkDpopOptions,
  DPOP_ALGORITHMS,
  type DpopOptions,
  DpopProofError,
  memoryReplayStore,
  ProofReplayUnknownError,
  spendDpopProof,
  verifyDpopProof,
} from '@credence/protocol';
import type { AccessTokenVerifier } from '../access-token/access-token-verifier.ts';
import type { AccessTokenInfo } from '../access-token/auth-info.ts';
import { challenge } from './challenge.ts';
import { TokenVerificationUnavailableError } from '../access-token/errors.ts';
import { type Reason, refusedToken, report, type TokenRefusal, unverifiable } from '../access-token/refusals.ts';

/** How a gate verifies proofs. */
export interface GateDpopOptions extends DpopOptions {
  /**
   * The URL of the MCP endpoint as its clients have it, which proofs must then be about: for a proxy that changes the
   * path on the way here. Default: the origin of the resource identifier, and the path of the request.
   */
  readonly url?: string | undefined;
}

/** What a gate in front of an MCP server lets in, and what it says to the others. */
export interface AccessTokenGateOptions {
  /** Its `onRefused` is told of every request that is refused here. */
  readonly verifier: Pick<AccessTokenVerifier, 'resource' | 'checkAccessToken' | 'onRefused'>;
  /** Sent in challenges as `resource_metadata` (RFC 9728 section 5.1). */
  readonly resourceMetadataUrl?: string | undefined;
  /** What a client without a token is told to ask for. Not demanded of every request: see `toolScopes`. */
  readonly scope?: string | undefined;
  /** How proofs are verified; `false`: bound tokens are not accepted. Default: accepted, no nonce asked for. */
  readonly dpop?: GateDpopOptions | false | undefined;
  /** Refuse bearer tokens. Default: false. */
  readonly requireDpop?: boolean | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
}

/** A request to a protected resource, in plain values. */
export interface GateRequest {
  readonly method: string;
  /** The request target (RFC 9112 section 3.2). No host in it counts, and neither does the Host header. */
  readonly target: string;
  readonly authorization: string | null | undefined;
  readonly dpop: string | null | undefined;
}

/** What to answer a request that may not go on. */
export interface GateRefusal {
  readonly status: 401 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error: string; readonly error_description?: string };
}

export type GateOutcome = { readonly info: AccessTokenInfo } | { readonly refusal: GateRefusal };

/** RFC 6750 section 2.1, RFC 9449 section 7.1. */
const CREDENTIALS = /^(?<scheme>Bearer|DPoP) +(?<token>[\w.~+/-]+=*)$/iu;

const NO_TOKEN: Reason = { code: 'no_token', reason: 'No access token was sent' };

class Refused extends Error {
  override readonly name = 'Refused';
  readonly scheme: 'Bearer' | 'DPoP';
  readonly error: string;
  readonly reason: Reason;
  readonly nonce: string | undefined;

  constructor(scheme: 'Bearer' | 'DPoP', error: string, message: string, reason: Reason, nonce?: string) {
    super(message);
    this.scheme = scheme;
    this.error = error;
    this.reason = reason;
    this.nonce = nonce;
  }
}

/**
 * Decides about a request to an MCP server: a bearer token, or a bound token with a proof by its key about this very
 * request (RFC 9449 section 7). Throws a TypeError that begins with `where`, for options that cannot be meant.
 */
export function createGate(
  options: AccessTokenGateOptions,
  where = 'accessTokenGate',
): (request: GateRequest) => Promise<GateOutcome> {
  const { verifier } = options;
  const dpop = options.dpop === false ? undefined : (options.dpop ?? {});
  if (options.requireDpop === true && dpop === undefined) throw new TypeError(`${where}: requireDpop wants dpop`);
  checkDpopOptions(where, dpop);
  if (dpop?.url !== undefined && !URL.canParse(dpop.url)) {
    throw new TypeError(`${where}: dpop.url is not an absolute URL`);
  }
  const now = options.now ?? (() => new Date());
  const replay = dpop?.replay ?? memoryReplayStore({ now });
  const { origin } = new URL(verifier.resource);

  const bearer = async (token: string): Promise<AccessTokenInfo> => {
    if (options.requireDpop === true) {
      throw notAccepted('DPoP', 'bearer_not_accepted', 'Only bound tokens are accepted');
    }
    const info = await verifier.checkAccessToken(token);
    if ('refused' in info) throw badToken('Bearer', info);
    return info;
  };

  const bound = async (token: string, request: GateRequest, how: GateDpopOptions): Promise<AccessTokenInfo> => {
    if (request.dpop === null || request.dpop === undefined || request.dpop === '') {
      const message = 'A DPoP proof is needed';
      throw new Refused('DPoP', 'invalid_dpop_proof', message, { code: 'proof_required', reason: message });
    }
    const url = how.url ?? publicUrl(origin, request.target);
    if (url === undefined) throw new DpopProofError('the request is to no URL that a DPoP proof can be about');
    const proven = { method: request.method, url, accessToken: token, now: now() };
    const proof = await verifyDpopProof(request.dpop, proven, how);
    const info = await verifier.checkAccessToken(token, proof.thumbprint);
    if ('refused' in info) throw badToken('DPoP', info);
    // Last, so that a request that is refused for another reason spends nothing.
    await spendDpopProof(proof, replay, info.clientId);
    return info;
  };

  const admit = async (request: GateRequest): Promise<AccessTokenInfo | undefined> => {
    const { scheme, token } = CREDENTIALS.exec(request.authorization ?? '')?.groups ?? {};
    if (scheme === undefined || token === undefined) return undefined;
    if (scheme.toLowerCase() === 'bearer') return bearer(token);
    if (dpop === undefined) throw notAccepted('Bearer', 'dpop_not_accepted', 'Bound tokens are not accepted here');
    return bound(token, request, dpop);
  };

  const refuse = async (refusal: GateRefusal, reason: Reason): Promise<GateOutcome> => {
    await report(verifier.onRefused, { time: now(), resource: verifier.resource, ...reason });
    return { refusal };
  };

  return async (request) => {
    try {
      const info = await admit(request);
      return info === undefined ? await refuse(refusalOf(options, undefined), NO_TOKEN) : { info };
    } catch (error) {
      const refused = error instanceof DpopProofError ? badProof(error) : error;
      if (refused instanceof Refused) return refuse(refusalOf(options, refused), refused.reason);
      const reason = unavailable(error);
      if (reason === undefined) throw error;
      return refuse(UNAVAILABLE, reason);
    }
  };
}

/**
 * Of the request target only path and query: the rest of an absolute-form one, and the path where it begins like a host
 * (`//`), are whatever the client wrote.
 */
function publicUrl(origin: string, target: string): string | undefined {
  const path = target.replace(/^https?:\/\/[^/?#\\]*/iu, '');
  return path === '' || path.startsWith('/') || path.startsWith('?') ? `${origin}${path}` : undefined;
}

function notAccepted(
  scheme: 'Bearer' | 'DPoP',
  code: 'bearer_not_accepted' | 'dpop_not_accepted',
  reason: string,
): Refused {
  return new Refused(scheme, 'invalid_token', reason, { code, reason });
}

function badToken(scheme: 'Bearer' | 'DPoP', refusal: TokenRefusal): Refused {
  return new Refused(scheme, 'invalid_token', refusal.refused, refusedToken(refusal));
}

function badProof({ error, message, nonce }: DpopProofError): Refused {
  const code = nonce === undefined ? 'proof_refused' : 'nonce_needed';
  const reason = sentence(message);
  return new Refused('DPoP', error, reason, { code, reason }, nonce);
}

/** The messages of errors begin small, and what clients and records are told here does not. */
function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}`;
}

function unavailable(error: unknown): Reason | undefined {
  if (error instanceof ProofReplayUnknownError) {
    return { code: 'replay_unknown', reason: sentence(`${error.message}: ${error.detail ?? 'the store'}`) };
  }
  return error instanceof TokenVerificationUnavailableError ? unverifiable(error) : undefined;
}

/** Not a 401: the token may be good, and its owner should keep it. */
const UNAVAILABLE: GateRefusal = {
  status: 503,
  headers: { 'retry-after': '1' },
  body: { error: 'temporarily_unavailable' },
};

function refusalOf(options: AccessTokenGateOptions, refused: Refused | undefined): GateRefusal {
  // A request without credentials gets no error code (RFC 6750 section 3.1), and Bearer first: the SDKs read one only.
  const says = (scheme: 'Bearer' | 'DPoP') =>
    refused?.scheme === scheme ? { error: refused.error, error_description: refused.message } : {};
  const where = { scope: options.scope, resource_metadata: options.resourceMetadataUrl };
  const bearer = options.requireDpop === true ? [] : [challenge('Bearer', { ...says('Bearer'), ...where })];
  const algs = options.dpop === false ? undefined : (options.dpop?.algorithms ?? DPOP_ALGORITHMS).join(' ');
  const dpop = algs === undefined ? [] : [challenge('DPoP', { ...says('DPoP'), algs, ...where })];
  // The scheme that was used, and was wrong, is the one to try again with.
  const challenges = refused?.scheme === 'DPoP' ? dpop : refused?.scheme === 'Bearer' ? bearer : [...bearer, ...dpop];
  return {
    status: 401,
    headers: {
      'www-authenticate': challenges.join(', '),
      ...(refused?.nonce !== undefined && { 'dpop-nonce': refused.nonce }),
    },
    body:
      refused === undefined ? { error: 'unauthorized' } : { error: refused.error, error_description: refused.message },
  };
}
