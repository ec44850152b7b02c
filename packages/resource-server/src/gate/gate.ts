import {
  checkDpopOptions,
  cleanRunId,
  DPOP_ALGORITHMS,
  type DpopOptions,
  DpopProofError,
  memoryReplayStore,
  ProofReplayUnknownError,
  markDpopProofUsed,
  parsedUrl,
  readDpopProof,
} from '@credence/protocol';
import type { AccessTokenVerifier } from '../access-token/access-token-verifier.ts';
import type { AccessTokenInfo } from '../access-token/auth-info.ts';
import { challenge } from './challenge.ts';
import { TokenVerificationUnavailableError, unavailability } from '../access-token/errors.ts';
import {
  ACCESS_REFUSALS,
  type Reason,
  refusedToken,
  report,
  type TokenRefusal,
  unverifiable,
} from '../access-token/refusals.ts';

/** How a gate verifies DPoP proofs. */
export interface GateDpopOptions extends DpopOptions {
  /**
   * The largest difference between `iat` and now, in seconds. Default: 300, the value of the DPoP extension of MCP (SEP-1932).
   * If a nonce is required, `iat` is not checked.
   */
  readonly maxAgeSeconds?: number | undefined;
  /**
   * The URL that clients request, which proofs must be for. Set it if a proxy changes the path of requests. Default: the
   * origin of the resource identifier with the path of the request.
   */
  readonly url?: string | undefined;
}

/** Which requests a gate in front of an MCP server accepts, and which challenge it sends to the others. */
export interface AccessTokenGateOptions {
  /** Verifies the access tokens. The gate calls its `onRefused` for each request that the gate refuses. */
  readonly verifier: Pick<AccessTokenVerifier, 'resource' | 'checkAccessToken' | 'onRefused'>;
  /** Sent in challenges as `resource_metadata` (RFC 9728 section 5.1). */
  readonly resourceMetadataUrl?: string | undefined;
  /** The scopes in the challenge, which tell a client what to request. The gate does not require them: see `toolScopes`. */
  readonly scope?: string | undefined;
  /** How proofs are verified. `false` refuses bound tokens. Default: bound tokens are accepted, and no nonce is required. */
  readonly dpop?: GateDpopOptions | false | undefined;
  /** True to refuse bearer tokens. Default: false. */
  readonly requireDpop?: boolean | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
}

/** The parts of a request that a gate needs, independent of the web framework. */
export interface GateRequest {
  readonly method: string;
  /** The request target (RFC 9112 section 3.2). A host in it is ignored, and so is the Host header. */
  readonly target: string;
  readonly authorization: string | null | undefined;
  readonly dpop: string | null | undefined;
  /** The header `Credence-Run`. */
  readonly run?: string | readonly string[] | null | undefined;
}

/** The response to a request that is refused. */
export interface GateRefusal {
  readonly status: 401 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error: string; readonly error_description?: string };
}

export type GateOutcome = { readonly info: AccessTokenInfo } | { readonly refusal: GateRefusal };

const MAX_PROOF_AGE_SECONDS = 300;

/** The Authorization header (RFC 6750 section 2.1, RFC 9449 section 7.1). */
const CREDENTIALS = /^(?<scheme>Bearer|DPoP) +(?<token>[\w.~+/-]+=*)$/iu;

const NO_TOKEN: Reason = { code: 'no_token', reason: ACCESS_REFUSALS.no_token.message };

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
 * Creates a function that accepts or refuses a request to an MCP server. The created function accepts a bearer token, and a
 * bound token with a proof by its key for this request (RFC 9449 section 7). Throws a TypeError that begins with `where`
 * for invalid options.
 */
export function createGate(
  options: AccessTokenGateOptions,
  where = 'accessTokenGate',
): (request: GateRequest) => Promise<GateOutcome> {
  const { verifier } = options;
  const dpop = options.dpop === false ? undefined : (options.dpop ?? {});
  if (options.requireDpop === true && dpop === undefined)
    throw new TypeError(`${where}: requireDpop is true and dpop is false`);
  checkDpopOptions(where, dpop);
  if (dpop?.url !== undefined && parsedUrl(dpop.url) === undefined) {
    throw new TypeError(`${where}: dpop.url is not an absolute URL`);
  }
  const now = options.now ?? (() => new Date());
  const replay = dpop?.replay ?? memoryReplayStore({ now });
  const { origin } = new URL(verifier.resource);

  // An error of a verifier says nothing of the token, so the response is 503 for every one of them.
  const checked: AccessTokenVerifier['checkAccessToken'] = async (...presented) => {
    try {
      return await verifier.checkAccessToken(...presented);
    } catch (error) {
      throw unavailability(error);
    }
  };

  const acceptBearer = async (token: string): Promise<AccessTokenInfo> => {
    if (options.requireDpop === true) {
      throw notAccepted('DPoP', 'bearer_not_accepted');
    }
    const info = await checked(token);
    if ('refused' in info) throw badToken('Bearer', info);
    return info;
  };

  const acceptBound = async (
    token: string,
    request: GateRequest,
    dpopOptions: GateDpopOptions,
  ): Promise<AccessTokenInfo> => {
    if (request.dpop === null || request.dpop === undefined || request.dpop === '') {
      const { message: reason } = ACCESS_REFUSALS.proof_required;
      throw new Refused('DPoP', 'invalid_dpop_proof', reason, { code: 'proof_required', reason });
    }
    const url = dpopOptions.url ?? publicUrl(origin, request.target);
    if (url === undefined) throw new DpopProofError('the request target is not a URL of this server');
    const proven = { method: request.method, url, accessToken: token, now: now() };
    const { maxAgeSeconds = MAX_PROOF_AGE_SECONDS } = dpopOptions;
    const proof = readDpopProof(request.dpop, proven, { ...dpopOptions, maxAgeSeconds });
    const info = await checked(token, proof.thumbprint);
    if ('refused' in info) throw badToken('DPoP', info);
    // After the token, because a sender without a valid token can choose a key whose signature takes long to verify.
    await proof.verifySignature();
    // After all other checks, so that a request that is refused for another reason does not use up the proof.
    await markDpopProofUsed(proof, replay, info.clientId);
    return info;
  };

  const admit = async (request: GateRequest): Promise<AccessTokenInfo | undefined> => {
    const { scheme, token } = CREDENTIALS.exec(request.authorization ?? '')?.groups ?? {};
    if (scheme === undefined || token === undefined) return undefined;
    if (scheme.toLowerCase() === 'bearer') return acceptBearer(token);
    if (dpop === undefined) throw notAccepted('Bearer', 'dpop_not_accepted');
    return acceptBound(token, request, dpop);
  };

  return async (request) => {
    const run = cleanRunId(request.run);
    const refuse = async (refusal: GateRefusal, reason: Reason): Promise<GateOutcome> => {
      const stated = run === undefined ? {} : { statedRun: run };
      await report(verifier.onRefused, { time: now(), resource: verifier.resource, ...reason, ...stated });
      return { refusal };
    };
    try {
      const info = await admit(request);
      if (info === undefined) return await refuse(refusalOf(options, undefined), NO_TOKEN);
      // The content of the token may be cached, so it is not changed.
      return { info: run === undefined ? info : { ...info, extra: { ...info.extra, statedRun: run } } };
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
 * The resource's origin with the path and query of the request target. The scheme and host of an absolute-form target are
 * dropped, because the client can write any host there. A path that begins with `//` stays a path, and is not read as a host.
 */
function publicUrl(origin: string, target: string): string | undefined {
  const path = target.replace(/^https?:\/\/[^/?#\\]*/iu, '');
  return path === '' || path.startsWith('/') || path.startsWith('?') ? `${origin}${path}` : undefined;
}

function notAccepted(scheme: 'Bearer' | 'DPoP', code: 'bearer_not_accepted' | 'dpop_not_accepted'): Refused {
  const { message: reason } = ACCESS_REFUSALS[code];
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

/** The message with a capital letter: messages of errors begin in lower case, descriptions for clients do not. */
function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}`;
}

function unavailable(error: unknown): Reason | undefined {
  if (error instanceof ProofReplayUnknownError) {
    return {
      code: 'replay_unknown',
      reason: sentence(`${error.message}: ${error.detail ?? 'the replay store failed'}`),
    };
  }
  return error instanceof TokenVerificationUnavailableError ? unverifiable(error) : undefined;
}

/** 503 and not 401, because the token can be valid and the client should keep it. */
const UNAVAILABLE: GateRefusal = {
  status: 503,
  headers: { 'retry-after': '1' },
  body: { error: 'temporarily_unavailable' },
};

function refusalOf(options: AccessTokenGateOptions, refused: Refused | undefined): GateRefusal {
  // A request without credentials gets no error code (RFC 6750 section 3.1). The Bearer challenge comes first,
  // because the MCP SDKs read only one challenge.
  const errorFor = (scheme: 'Bearer' | 'DPoP') =>
    refused?.scheme === scheme ? { error: refused.error, error_description: refused.message } : {};
  const where = { scope: options.scope, resource_metadata: options.resourceMetadataUrl };
  const bearer = options.requireDpop === true ? [] : [challenge('Bearer', { ...errorFor('Bearer'), ...where })];
  const algs = options.dpop === false ? undefined : (options.dpop?.algorithms ?? DPOP_ALGORITHMS).join(' ');
  const dpop = algs === undefined ? [] : [challenge('DPoP', { ...errorFor('DPoP'), algs, ...where })];
  // The challenge is for the scheme that the client used, if it used one.
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
