import { cleanText, waitFor } from '@credence/protocol';
import { decodeJwt } from 'jose';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { WorkloadTokenRequest, WorkloadTokenSource } from './workload-token-source.ts';

/** A token of a platform, and how long it is used. */
export interface WorkloadToken {
  /** The JWT, which is a secret. */
  readonly token: string;
  /** The lifetime from now by the claim `exp`, in seconds. Undefined: the token has no `exp`, and is not cached. */
  readonly expiresInSeconds: number | undefined;
  /** After this time the source is asked again, in seconds. If it fails then, the token is used until it expires. */
  readonly lookAgainInSeconds: number;
}

const LOOK_AT_LOCAL_SECONDS = 60;
/** A JWS in compact form (RFC 7515 section 3.1). */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/u;
const MAX_TOKEN_CHARACTERS = 64 * 1024;

/** A token is replaced this long before it expires. Short ones: a tenth of their lifetime. */
const SPARE_SECONDS = 30;

/** Whether the source reads a file that another program replaces. A variable stays the same while the program runs. */
export function isReplacedFile({ local, renewable }: WorkloadTokenSource): boolean {
  return local && renewable;
}

/** How long the token is used without asking its source again, in seconds. */
export function usefulSeconds({
  expiresInSeconds = 0,
  lookAgainInSeconds = Number.POSITIVE_INFINITY,
}: {
  readonly expiresInSeconds?: number | undefined;
  readonly lookAgainInSeconds?: number | undefined;
}): number {
  return Math.min(expiresInSeconds - Math.min(SPARE_SECONDS, expiresInSeconds / 10), lookAgainInSeconds);
}

/**
 * Asks the platform for a token and checks its form and its expiry, but not its signature. Throws `credential_unavailable`; the
 * error contains nothing of the token.
 */
export async function workloadToken(
  source: WorkloadTokenSource,
  request: WorkloadTokenRequest,
  nowMs: () => number,
): Promise<WorkloadToken> {
  const token = (await tokenOf(source, request)).trim();
  const expiresInSeconds = expiryOf(token, source, nowMs());
  return {
    token,
    expiresInSeconds,
    lookAgainInSeconds: source.local ? LOOK_AT_LOCAL_SECONDS : Number.POSITIVE_INFINITY,
  };
}

async function tokenOf(source: WorkloadTokenSource, request: WorkloadTokenRequest): Promise<string> {
  let token: unknown;
  try {
    // A source that ignores its signal must not delay the callers that wait for the token.
    token = await waitFor(Promise.resolve(source.getToken(request)), request.signal);
  } catch (error) {
    if (isCredenceError(error) || request.signal.aborted) throw error;
    throw unusable(source, 'The source failed.', 'Check the source; it threw an error that is not a CredenceError.');
  }
  if (typeof token === 'string' && token.length <= MAX_TOKEN_CHARACTERS) return token;
  throw unusable(source, 'The source returned no text, or one that is too long.', 'Check what the platform returns.');
}

function expiryOf(token: string, source: WorkloadTokenSource, nowMs: number): number | undefined {
  let exp: unknown;
  try {
    if (!COMPACT_JWS.test(token)) throw new TypeError('not a JWT');
    ({ exp } = decodeJwt(token));
  } catch {
    throw unusable(
      source,
      'What the platform returned is not a JWT.',
      'Check the path, the URL or the field that the token is read from.',
    );
  }
  if (exp === undefined) return undefined;
  if (typeof exp !== 'number' || !Number.isFinite(exp)) {
    throw unusable(source, 'The claim exp of the token is not a number.', 'Check what the platform returns.');
  }
  const leftSeconds = exp - nowMs / 1_000;
  if (leftSeconds > 0) return leftSeconds;
  throw unusable(
    source,
    `The token expired at ${expiredAt(exp)}.`,
    source.renewable
      ? 'Check that the platform replaces the token, and that the clock of this machine is right.'
      : 'The platform issues one token for each run: start the run again, or let it end earlier.',
  );
}

/** The error for a source that did not answer within the time limit. */
export function noAnswer(source: WorkloadTokenSource, cause: unknown): CredenceError {
  return unusable(source, 'The platform did not answer in time.', 'Check that the platform can be reached.', cause);
}

function expiredAt(exp: number): string {
  const date = new Date(exp * 1_000);
  return Number.isNaN(date.getTime()) ? 'an unknown time' : date.toISOString();
}

function unusable({ platform }: WorkloadTokenSource, message: string, remedy: string, cause?: unknown): CredenceError {
  return new CredenceError({
    code: 'credential_unavailable',
    leg: 'configure',
    message: `The workload token of ${cleanText(platform, { max: 60 })} cannot be used. ${message}`,
    remedy,
    contact: 'you',
    cause,
  });
}
