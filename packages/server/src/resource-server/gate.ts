import { checkDpopOptions } from '../dpop/check-options.ts';
import {
  DPOP_ALGORITHMS,
  type DpopOptions,
  DpopProofError,
  ProofReplayUnknownError,
  spendDpopProof,
  verifyDpopProof,
} from '../dpop/proof.ts';
import { memoryReplayStore } from '../replay/memory-replay-store.ts';
import type { AccessTokenVerifier } from './access-token-verifier.ts';
import type { AccessTokenInfo } from './auth-info.ts';
import { challenge } from './challenge.ts';
import { TokenVerificationUnavailableError } from './errors.ts';

export interface AccessTokenGateOptions {
  readonly verifier: Pick<AccessTokenVerifier, 'resource' | 'checkAccessToken'>;
  /** Sent in challenges as `resource_metadata` (RFC 9728 section 5.1). */
  readonly resourceMetadataUrl?: string | undefined;
  /** What a client without a token is told to ask for. Not demanded of every request: see `toolScopes`. */
  readonly scope?: string | undefined;
  /** How proofs are verified; `false`: bound tokens are not accepted. Default: accepted, no nonce asked for. */
  readonly dpop?: DpopOptions | false | undefined;
  /** Refuse bearer tokens. Default: false. */
  readonly requireDpop?: boolean | undefined;
  readonly now?: (() => Date) | undefined;
}

/** A request to a protected resource, in plain values. */
export interface GateRequest {
  readonly method: string;
  /** Path and query. The origin is that of the resource identifier, whatever a proxy in between calls this server. */
  readonly path: string;
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

class Refused extends Error {
  override readonly name = 'Refused';
  readonly scheme: 'Bearer' | 'DPoP';
  readonly error: string;
  readonly nonce: string | undefined;

  constructor(scheme: 'Bearer' | 'DPoP', error: string, message: string, nonce?: string) {
    super(message);
    this.scheme = scheme;
    this.error = error;
    this.nonce = nonce;
  }
}

/**
 * Decides about a request to an MCP server: a bearer token, or a bound token with a proof by its key about this very
 * request (RFC 9449 section 7).
 */
export function createGate(options: AccessTokenGateOptions): (request: GateRequest) => Promise<GateOutcome> {
  const { verifier } = options;
  const dpop = options.dpop === false ? undefined : (options.dpop ?? {});
  checkDpopOptions('accessTokenGate', dpop);
  if (options.requireDpop === true && dpop === undefined) {
    throw new TypeError('accessTokenGate: requireDpop wants dpop');
  }
  const replay = dpop?.replay ?? memoryReplayStore(options.now === undefined ? {} : { now: options.now });
  const origin = new URL(verifier.resource).origin;

  const bearer = async (token: string): Promise<AccessTokenInfo> => {
    if (options.requireDpop === true) throw new Refused('DPoP', 'invalid_token', 'Only bound tokens are accepted');
    const info = await verifier.checkAccessToken(token);
    if ('refused' in info) throw new Refused('Bearer', 'invalid_token', info.refused);
    return info;
  };

  const bound = async (token: string, request: GateRequest, how: DpopOptions): Promise<AccessTokenInfo> => {
    if (request.dpop === null || request.dpop === undefined || request.dpop === '') {
      throw new Refused('DPoP', 'invalid_dpop_proof', 'A DPoP proof is needed');
    }
    const proven = {
      method: request.method,
      url: new URL(request.path, origin).href,
      accessToken: token,
      now: options.now?.() ?? new Date(),
    };
    const proof = await verifyDpopProof(request.dpop, proven, how);
    const info = await verifier.checkAccessToken(token, proof.thumbprint);
    if ('refused' in info) throw new Refused('DPoP', 'invalid_token', info.refused);
    // Last, so that a request that is refused for another reason spends nothing.
    await spendDpopProof(proof, replay);
    return info;
  };

  const admit = async (request: GateRequest): Promise<AccessTokenInfo | undefined> => {
    const { scheme, token } = CREDENTIALS.exec(request.authorization ?? '')?.groups ?? {};
    if (scheme === undefined || token === undefined) return undefined;
    if (scheme.toLowerCase() === 'bearer') return bearer(token);
    if (dpop === undefined) throw new Refused('Bearer', 'invalid_token', 'Bound tokens are not accepted here');
    return bound(token, request, dpop);
  };

  return async (request) => {
    try {
      const info = await admit(request);
      return info === undefined ? { refusal: refusalOf(options, undefined) } : { info };
    } catch (error) {
      if (error instanceof Refused) return { refusal: refusalOf(options, error) };
      if (error instanceof DpopProofError) {
        return { refusal: refusalOf(options, new Refused('DPoP', error.error, error.message, error.nonce)) };
      }
      if (error instanceof TokenVerificationUnavailableError || error instanceof ProofReplayUnknownError) {
        return { refusal: UNAVAILABLE };
      }
      throw error;
    }
  };
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
