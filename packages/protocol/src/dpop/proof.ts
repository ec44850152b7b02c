import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { z } from 'zod';
import { type ReplayStore, storeFault } from '../replay/replay-store.ts';
import { parsedUrl } from '../text/parsed-url.ts';
import type { DpopNonces } from './nonces.ts';

/** RFC 9449 section 5.1, `dpop_signing_alg_values_supported`. */
export const DPOP_ALGORITHMS: readonly string[] = ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'];

const MAX_PROOF_LENGTH = 8192;
const DEFAULT_MAX_AGE_SECONDS = 60;
const MAX_URL_SHOWN = 300;
/** How far the clocks of instances that share a replay store may be apart, and a second for what is rounded. */
const CLOCKS_APART_SECONDS = 5 + 1;

/** Which DPoP proofs (RFC 9449) are accepted. */
export interface DpopOptions {
  /** Proofs must then have a nonce from here (RFC 9449 section 8). Default: none is asked for. */
  readonly nonces?: DpopNonces | undefined;
  /** Where used proofs are remembered, so that none is used twice. Default: `memoryReplayStore()`, in this process. */
  readonly replay?: ReplayStore | undefined;
  /** How far `iat` may be from now, in seconds. Default: 60. A proof with a nonce is as old as its nonce. */
  readonly maxAgeSeconds?: number | undefined;
  /** Default: {@link DPOP_ALGORITHMS}. */
  readonly algorithms?: readonly string[] | undefined;
}

/** The request that a proof must be about. */
export interface ProvenRequest {
  /** The HTTP method. */
  readonly method: string;
  /** The URL as the client has it; its query and fragment do not count (RFC 9449 section 4.3). */
  readonly url: string;
  /** The access token it goes with, at a resource server; absent at a token endpoint. */
  readonly accessToken?: string | undefined;
  /** The time at which the request arrived. */
  readonly now: Date;
}

/** What a proof says that passed every check but the replay. */
export interface VerifiedProof {
  /** JWK thumbprint of its key (RFC 7638), what `cnf.jkt` is compared with. */
  readonly thumbprint: string;
  /** The claim `jti`, by which it is recognised when it is used again. */
  readonly jti: string;
  /** Until when it must be remembered: no instance accepts it any more. */
  readonly reusableUntil: Date;
}

/** A DPoP proof was refused. With `use_dpop_nonce`, `nonce` is what the next proof must have. */
export class DpopProofError extends Error {
  /** Always `DpopProofError`. */
  override readonly name = 'DpopProofError';
  /** The OAuth error to answer (RFC 9449 sections 5 and 8). */
  readonly error: 'invalid_dpop_proof' | 'use_dpop_nonce';
  /** With `use_dpop_nonce`: the nonce that the next proof must have. */
  readonly nonce: string | undefined;

  constructor(message: string, nonce?: string) {
    super(message);
    this.error = nonce === undefined ? 'invalid_dpop_proof' : 'use_dpop_nonce';
    this.nonce = nonce;
  }
}

const claimsSchema = z.looseObject({
  jti: z.string().min(1).max(512),
  htm: z.string(),
  htu: z.string(),
  iat: z.number(),
  ath: z.string().optional(),
  nonce: z.string().optional(),
});

/** Everything of RFC 9449 section 4.3 but the replay. Throws DpopProofError. */
export async function verifyDpopProof(
  proof: string,
  request: ProvenRequest,
  options: DpopOptions,
): Promise<VerifiedProof> {
  const { claims, thumbprint } = await signedBy(proof, options.algorithms ?? DPOP_ALGORITHMS, request.now);
  if (claims.htm !== request.method) throw new DpopProofError('the DPoP proof is for another method');
  const url = withoutQuery(request.url);
  if (url === undefined || withoutQuery(claims.htu) !== url) {
    throw new DpopProofError(`the DPoP proof is for another URL than ${url?.slice(0, MAX_URL_SHOWN)}`);
  }
  if (claims.ath !== (request.accessToken === undefined ? undefined : sha256(request.accessToken))) {
    throw new DpopProofError('the DPoP proof is not about this access token');
  }
  return { thumbprint, jti: claims.jti, reusableUntil: reusableUntil(claims, request.now, options) };
}

/** It cannot be known at the moment whether a proof was used before: the replay store is full or cannot be asked. */
export class ProofReplayUnknownError extends Error {
  /** Always `ProofReplayUnknownError`. */
  override readonly name = 'ProofReplayUnknownError';
  /** What is wrong with the store, in one word; for the audit record. */
  readonly detail: string | undefined;

  constructor(detail: string | undefined) {
    super('it cannot be known at the moment whether the DPoP proof was used before');
    this.detail = detail;
  }
}

/**
 * Remembers a proof as used (RFC 9449 section 11.1). `owner` is the client whose it is, and not its key: keys cost
 * nothing. Throws DpopProofError where it was used, ProofReplayUnknownError where that cannot be known.
 */
export async function spendDpopProof(
  { thumbprint, jti, reusableUntil }: VerifiedProof,
  replay: ReplayStore,
  owner: string,
): Promise<void> {
  const id = sha256(JSON.stringify(['dpop', thumbprint, jti]));
  let isFirst: boolean;
  try {
    isFirst = await replay.reserve(id, reusableUntil, owner);
  } catch (error) {
    throw new ProofReplayUnknownError(storeFault(error));
  }
  if (!isFirst) throw new DpopProofError('the DPoP proof was used before');
}

function reusableUntil(claims: z.infer<typeof claimsSchema>, now: Date, options: DpopOptions): Date {
  const acceptedUntil = freshUntil(claims, now, options);
  return new Date(acceptedUntil.getTime() + CLOCKS_APART_SECONDS * 1000);
}

function freshUntil(claims: z.infer<typeof claimsSchema>, now: Date, options: DpopOptions): Date {
  const { nonces, maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS } = options;
  if (nonces !== undefined) {
    // The nonce says when the proof was made, whatever the client's clock says.
    const until = claims.nonce === undefined ? undefined : nonces.acceptedUntil(claims.nonce, now);
    if (until === undefined) throw new DpopProofError('the DPoP proof needs a nonce from here', nonces.issue(now));
    return until;
  }
  if (Math.abs(now.getTime() / 1000 - claims.iat) > maxAgeSeconds) {
    throw new DpopProofError('the DPoP proof was not made just now');
  }
  return new Date((claims.iat + maxAgeSeconds) * 1000);
}

async function signedBy(proof: string, algorithms: readonly string[], now: Date) {
  if (proof.length > MAX_PROOF_LENGTH) throw new DpopProofError('the DPoP proof is too large');
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...algorithms],
      currentDate: now,
    });
    const { jwk } = protectedHeader;
    if (jwk === undefined) throw new TypeError('no key');
    return { claims: claimsSchema.parse(payload), thumbprint: await calculateJwkThumbprint(jwk) };
  } catch {
    // What the libraries say may hold parts of the proof.
    throw new DpopProofError('the DPoP proof is malformed, or its signature is not valid');
  }
}

function withoutQuery(url: string): string | undefined {
  const parsed = parsedUrl(url);
  return parsed === undefined ? undefined : `${parsed.origin}${parsed.pathname}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
