import { createHash } from 'node:crypto';
import { EmbeddedJWK, jwtVerify } from 'jose';
import { z } from 'zod';
import { JoseHeaderError, protectedHeader, type ProtectedHeader } from '../jose/protected-header.ts';
import { jwkThumbprint, publicJwkFault } from '../jose/public-jwk.ts';
import { allowsAlgorithm, mediaType } from '../jose/header.ts';
import { type ReplayStore, storeFault } from '../replay/replay-store.ts';
import { parsedUrl } from '../text/parsed-url.ts';
import { parseStrictObject } from '../text/strict-json.ts';
import type { DpopNonces } from './nonces.ts';

/** RFC 9449 section 5.1, `dpop_signing_alg_values_supported`. */
export const DPOP_ALGORITHMS: readonly string[] = ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'];

const MAX_PROOF_LENGTH = 8192;
const DEFAULT_MAX_AGE_SECONDS = 60;
const MAX_URL_IN_MESSAGE = 300;
/** The largest difference between the clocks of instances that share a replay store, and one second for rounding. */
const CLOCK_DIFFERENCE_SECONDS = 5 + 1;

/** Which DPoP proofs (RFC 9449) are accepted. */
export interface DpopOptions {
  /** If set, each proof must have a nonce that this object issued (RFC 9449 section 8). Default: no nonce is required. */
  readonly nonces?: DpopNonces | undefined;
  /** Remembers used proofs, so that no proof is accepted twice. Default: `memoryReplayStore()`, in this process. */
  readonly replay?: ReplayStore | undefined;
  /** The largest difference between `iat` and now, in seconds. Default: 60. If a nonce is required, `iat` is not checked. */
  readonly maxAgeSeconds?: number | undefined;
  /** The JWS algorithms that are accepted. Default: {@link DPOP_ALGORITHMS}. */
  readonly algorithms?: readonly string[] | undefined;
}

/** The request that a proof must match. */
export interface ProvenRequest {
  /** The HTTP method. */
  readonly method: string;
  /** The URL as the client requested it; its query and fragment are ignored (RFC 9449 section 4.3). */
  readonly url: string;
  /** At a resource server: the access token of the request. Absent at a token endpoint. */
  readonly accessToken?: string | undefined;
  /** The time at which the request arrived. */
  readonly now: Date;
}

/** The result for a proof that passed every check except the replay check. */
export interface VerifiedProof {
  /** The JWK thumbprint of the proof's key (RFC 7638), to compare with `cnf.jkt`. */
  readonly thumbprint: string;
  /** The claim `jti`, which identifies the proof when it is used again. */
  readonly jti: string;
  /** The time until which the proof must be remembered: after it, no instance accepts the proof. */
  readonly reusableUntil: Date;
}

/** A DPoP proof was refused. With `use_dpop_nonce`, the next proof must contain `nonce`. */
export class DpopProofError extends Error {
  /** Always `DpopProofError`. */
  override readonly name = 'DpopProofError';
  /** The OAuth error to send to the client (RFC 9449 sections 5 and 8). */
  readonly error: 'invalid_dpop_proof' | 'use_dpop_nonce';
  /** With `use_dpop_nonce`: the nonce that the next proof must contain. */
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

/** A proof whose content passed every check that needs no signature. */
export interface PresentedProof extends VerifiedProof {
  /** Verifies the signature by the key in the proof. Throws DpopProofError. */
  readonly verifySignature: () => Promise<void>;
}

/**
 * Makes every check of RFC 9449 section 4.3 except the check of the signature and the replay check, so that a caller can look
 * at the access token before it spends time on the signature. Throws DpopProofError.
 */
export function readDpopProof(proof: string, request: ProvenRequest, options: DpopOptions): PresentedProof {
  const algorithms = options.algorithms ?? DPOP_ALGORITHMS;
  const { claims, thumbprint } = contentOf(proof, algorithms);
  if (claims.htm !== request.method) throw new DpopProofError('the DPoP proof is for another method');
  const url = withoutQuery(request.url);
  if (url === undefined || withoutQuery(claims.htu) !== url) {
    throw new DpopProofError(`the DPoP proof is for another URL than ${url?.slice(0, MAX_URL_IN_MESSAGE)}`);
  }
  if (claims.ath !== (request.accessToken === undefined ? undefined : sha256(request.accessToken))) {
    throw new DpopProofError('the DPoP proof is not for this access token');
  }
  return {
    thumbprint,
    jti: claims.jti,
    reusableUntil: reusableUntil(claims, request.now, options),
    verifySignature: async () => verifySignature(proof, algorithms, request.now),
  };
}

/** Makes every check of RFC 9449 section 4.3 except the replay check; the signature last. Throws DpopProofError. */
export async function verifyDpopProof(
  proof: string,
  request: ProvenRequest,
  options: DpopOptions,
): Promise<VerifiedProof> {
  const { verifySignature: verify, ...verified } = readDpopProof(proof, request, options);
  await verify();
  return verified;
}

/**
 * Refuses a proof whose key must not reach a library: one that is not a public key, or whose signatures take long to verify. For
 * a server whose library verifies proofs itself. Throws DpopProofError.
 */
export function checkDpopProofKey(proof: string): void {
  keyOf(proof);
}

/** The replay store is full or failed, so it is unknown whether a proof was used before. */
export class ProofReplayUnknownError extends Error {
  /** Always `ProofReplayUnknownError`. */
  override readonly name = 'ProofReplayUnknownError';
  /** The fault of the replay store, in one word; for the audit record. */
  readonly detail: string | undefined;

  constructor(detail: string | undefined) {
    super('the server cannot check at the moment whether the DPoP proof was used before');
    this.detail = detail;
  }
}

/**
 * Remembers a proof as used (RFC 9449 section 11.1). `owner` is the client that sent the proof, and not the key of the
 * proof, because a client can make any number of keys. Throws DpopProofError if the proof was used before, and
 * ProofReplayUnknownError if the replay store fails or is full.
 */
export async function markDpopProofUsed(
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
  return new Date(acceptedUntil.getTime() + CLOCK_DIFFERENCE_SECONDS * 1000);
}

function freshUntil(claims: z.infer<typeof claimsSchema>, now: Date, options: DpopOptions): Date {
  const { nonces, maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS } = options;
  if (nonces !== undefined) {
    // The nonce shows when the proof was made, so the client's clock (iat) does not matter.
    const until = claims.nonce === undefined ? undefined : nonces.acceptedUntil(claims.nonce, now);
    if (until === undefined)
      throw new DpopProofError('the DPoP proof needs a nonce from this server', nonces.issue(now));
    return until;
  }
  if (Math.abs(now.getTime() / 1000 - claims.iat) > maxAgeSeconds) {
    throw new DpopProofError('the iat of the DPoP proof is too far from the current time');
  }
  return new Date((claims.iat + maxAgeSeconds) * 1000);
}

const MALFORMED = 'the DPoP proof is malformed, or its signature is not valid';

function contentOf(proof: string, algorithms: readonly string[]) {
  const { alg, thumbprint } = keyOf(proof);
  if (!allowsAlgorithm(algorithms, alg)) throw new DpopProofError(MALFORMED);
  try {
    const payload = proof.split('.', 2)[1] ?? '';
    const json = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(payload, 'base64url'));
    return { claims: claimsSchema.parse(parseStrictObject(json)), thumbprint };
  } catch {
    // The library's error message can contain parts of the proof.
    throw new DpopProofError(MALFORMED);
  }
}

/** Reads the header of a proof, and checks its key before any library imports the key. */
function keyOf(proof: string): { alg: string; thumbprint: string } {
  if (proof.length > MAX_PROOF_LENGTH) throw new DpopProofError('the DPoP proof is too large');
  const { typ, alg, jwk } = headerOf(proof);
  if (mediaType(typ) !== 'dpop+jwt' || jwk === undefined) throw new DpopProofError(MALFORMED);
  const fault = publicJwkFault(jwk);
  if (fault !== undefined) throw new DpopProofError(`the DPoP proof is malformed: ${fault}`);
  return { alg, thumbprint: jwkThumbprint(jwk) };
}

function headerOf(proof: string): ProtectedHeader {
  try {
    return protectedHeader(proof);
  } catch (error) {
    if (error instanceof JoseHeaderError) throw new DpopProofError(MALFORMED);
    throw error;
  }
}

async function verifySignature(proof: string, algorithms: readonly string[], now: Date): Promise<void> {
  try {
    await jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt', algorithms: [...algorithms], currentDate: now });
  } catch {
    throw new DpopProofError(MALFORMED);
  }
}

function withoutQuery(url: string): string | undefined {
  const parsed = parsedUrl(url);
  return parsed === undefined ? undefined : `${parsed.origin}${parsed.pathname}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
