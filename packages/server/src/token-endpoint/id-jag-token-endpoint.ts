import { cleanText, GRANT_JWT_BEARER, GRANT_JWT_DPOP } from '@credence/core';
import {
  type DpopOptions,
  DpopProofError,
  ProofReplayUnknownError,
  spendDpopProof,
  type VerifiedProof,
  verifyDpopProof,
} from '../dpop/proof.ts';
import { GrantRefusal } from '../provider/refusal.ts';
import { type RedeemDraft, refusedDraft } from '../redeem/audit.ts';
import { checkRedemptionRules, type RedemptionRules } from '../redeem/options.ts';
import { decideRedemption, type Redemption, spendIdJag, tokenAnswer } from '../redeem/redemption.ts';
import { memoryReplayStore } from '../replay/memory-replay-store.ts';
import type { ReplayStore } from '../replay/replay-store.ts';
import { granted, notAllowed, refused } from './answers.ts';
import { type PresentedClient, presentedClient } from './client-credentials.ts';
import { readParameters, requiredParameter, scopeParameter } from './parameters.ts';

const DEFAULT_MAX_BODY_BYTES = 64 * 1024;

type Awaitable<T> = T | Promise<T>;

export interface IdJagTokenEndpointOptions extends RedemptionRules {
  /** This authorization server's issuer identifier: the audience of every ID-JAG. */
  readonly issuer: string;
  /**
   * Whether the client is who it says, by the registrations this server has, and may use the grant: the client's id, or
   * undefined, which answers `invalid_client`. Compare secrets in constant time. May throw GrantRefusal
   * (`unauthorized_client`).
   */
  readonly authenticateClient: (client: PresentedClient, request: Request) => Awaitable<string | undefined>;
  /**
   * Makes the access token that the redemption says, in whatever form this server's resource servers know; see
   * `accessTokenClaims` for a JWT. Where it throws, `server_error` is answered.
   */
  readonly issueAccessToken: (redemption: Redemption) => Awaitable<string>;
  /**
   * DPoP (RFC 9449), and with it the grant `urn:ietf:params:oauth:grant-type:jwt-dpop`. `tokenEndpoint` is the URL
   * clients send to. Default: proofs are not understood, so ID-JAGs that are bound to a key are refused.
   */
  readonly dpop?: (DpopOptions & { readonly tokenEndpoint: string }) | undefined;
  /** Default: 65536. */
  readonly maxBodyBytes?: number | undefined;
}

/**
 * A token endpoint that redeems ID-JAGs, for an authorization server of any make: client authentication and the access
 * token are its own, everything between is the same as in `redeemIdJag`. Answers every POST; other grant types are
 * `unsupported_grant_type`: see `expressIdJag` and `honoIdJag` for an endpoint that has them.
 *
 * Throws a TypeError for options that cannot be meant.
 */
export function idJagTokenEndpoint(options: IdJagTokenEndpointOptions): (request: Request) => Promise<Response> {
  checkRedemptionRules('idJagTokenEndpoint', options, options.issuer);
  const now = options.now ?? (() => new Date());
  const { dpop } = options;
  if (dpop !== undefined && !URL.canParse(dpop.tokenEndpoint)) {
    throw new TypeError('idJagTokenEndpoint: dpop.tokenEndpoint is not an absolute URL');
  }
  const proofs = dpop?.replay ?? memoryReplayStore({ now });

  return async (request) => {
    if (request.method !== 'POST') return notAllowed();
    const draft: RedeemDraft = {};
    try {
      const answer = await redeem(options, request, draft, proofs, now());
      // A grant that cannot be recorded is not given.
      options.audit?.({ ...draft, time: now(), granted: true });
      return granted(answer);
    } catch (error) {
      const refusal = toRefusal(error);
      const { error: code, reason } = refusal;
      try {
        options.audit?.({
          ...refusedDraft(draft),
          error: code,
          reason: cleanText(reason),
          time: now(),
          granted: false,
        });
      } catch {
        // An audit sink that fails stops grants (above); a refusal it leaves as it is.
      }
      return refused(refusal, request, error instanceof DpopProofError ? error.nonce : undefined);
    }
  };
}

async function redeem(
  options: IdJagTokenEndpointOptions,
  request: Request,
  draft: RedeemDraft,
  proofs: ReplayStore,
  now: Date,
): Promise<Record<string, unknown>> {
  const parameters = await readParameters(request, options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES);
  const clientId = await authenticated(options, request, parameters, draft);
  const grantType = requiredParameter(parameters, 'grant_type');
  if (grantType !== GRANT_JWT_BEARER && (grantType !== GRANT_JWT_DPOP || options.dpop === undefined)) {
    throw new GrantRefusal('unsupported_grant_type', 'the grant type is not supported here');
  }
  const proof = await verifiedProof(options.dpop, request, now);
  if (grantType === GRANT_JWT_DPOP && proof === undefined) {
    throw new GrantRefusal('invalid_grant', 'this grant type needs a DPoP proof');
  }
  const redemption = await decideRedemption(
    {
      assertion: requiredParameter(parameters, 'assertion'),
      clientId,
      scopes: scopeParameter(parameters),
      resources: [...new Set(parameters.getAll('resource'))],
      dpopThumbprint: proof?.thumbprint,
    },
    options,
    options.issuer,
    draft,
  );
  // Only now, when nothing else can refuse the request, are the proof and the ID-JAG spent.
  if (proof !== undefined) await spendDpopProof(proof, proofs);
  await spendIdJag(redemption.idJag, options, draft);
  return tokenAnswer(redemption, await options.issueAccessToken(redemption));
}

async function authenticated(
  options: IdJagTokenEndpointOptions,
  request: Request,
  parameters: URLSearchParams,
  draft: RedeemDraft,
): Promise<string> {
  const client = presentedClient(request.headers, parameters);
  draft.claimedClientId = cleanText(client.clientId);
  if (client.method === 'none' && options.allowPublicClients !== true) {
    throw new GrantRefusal('invalid_client', 'a client must authenticate to redeem an ID-JAG');
  }
  const clientId = await options.authenticateClient(client, request);
  if (clientId === undefined || clientId === '') {
    throw new GrantRefusal('invalid_client', 'the client authentication failed');
  }
  delete draft.claimedClientId;
  draft.clientId = clientId;
  return clientId;
}

async function verifiedProof(
  dpop: IdJagTokenEndpointOptions['dpop'],
  request: Request,
  now: Date,
): Promise<VerifiedProof | undefined> {
  const proof = request.headers.get('dpop');
  if (proof === null || dpop === undefined) return undefined;
  return verifyDpopProof(proof, { method: 'POST', url: dpop.tokenEndpoint, now }, dpop);
}

function toRefusal(error: unknown): GrantRefusal {
  if (error instanceof GrantRefusal) return error;
  if (error instanceof DpopProofError) return new GrantRefusal(error.error, error.message);
  if (error instanceof ProofReplayUnknownError) {
    return new GrantRefusal('temporarily_unavailable', error.message, `replay_unknown: ${error.detail ?? 'the store'}`);
  }
  // An unexpected failure's message may hold anything; its name cannot.
  return new GrantRefusal('server_error', 'the request failed', error instanceof Error ? error.name : 'unknown');
}
