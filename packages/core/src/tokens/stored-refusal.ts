import { parseJsonObject } from '@credence/protocol';
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../errors/codes.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { pauseOfAll } from '../backoff/backs-off.ts';
import { concernsClient } from '../backoff/client-backoff.ts';
import { LONGEST_PAUSE_MS, retryAfterMs } from '../backoff/pause.ts';
import type { Clock } from '../time/clock.ts';
import type { Refusal, SharedRefusal } from './refusals.ts';
import type { SharedStore } from '../store/shared-store.ts';

/** The time for which a failure is stored, unless it is a refusal with a longer pause, or the peer sent a longer `Retry-After`. */
const SHARED_MS = 1_000;

/** The refusals that are the same for every process of the bot, so that the pause of one is the pause of all. */
const SAME_FOR_ALL: ReadonlySet<ErrorCode> = new Set(['access_denied', 'invalid_scope', 'invalid_target']);

const schema = z.object({
  v: z.literal(2),
  code: z.custom<ErrorCode>((code) => typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)),
  leg: z.enum(['discover', 'authenticate', 'exchange', 'redeem', 'call']),
  message: z.string(),
  remedy: z.string(),
  contact: z.enum(['you', 'idp-admin', 'server-owner']),
  retryable: z.boolean(),
  issuer: z.string().optional(),
  status: z.number().optional(),
  error: z.string().optional(),
  errorDescription: z.string().optional(),
  peerText: z.string().optional(),
  causeCode: z.string().optional(),
  retryAfterSeconds: z.number().optional(),
  missingScopes: z.array(z.string()).optional(),
  /** Times of the wall clock, in milliseconds since the epoch. A copy that is put back later has no effect after `untilMs`. */
  untilMs: z.number(),
  sinceMs: z.number(),
  refusals: z.number(),
});

/**
 * Stores the error of an acquisition, so that many processes of the bot do not send the same request one after another: for a second,
 * or until `refusal` ends if it is the same for every process. An error of this process alone, such as a file that it cannot read, is
 * not stored.
 */
export async function shareRefusal(
  store: SharedStore,
  key: string,
  error: CredenceError,
  { refusal, clock }: { refusal: Refusal | undefined; clock: Clock },
): Promise<void> {
  if (error.leg === 'configure') return;
  const pausedUntilMs = Math.max(refusal?.untilMs ?? 0, pauseOfAll(error)?.untilMs ?? 0);
  const ownMs = refusal && SAME_FOR_ALL.has(error.code) ? pausedUntilMs - clock.monotonicMs() : 0;
  const sharedMs = Math.max(ownMs, retryAfterMs(error) ?? SHARED_MS);
  const untilMs = clock.wallMs() + sharedMs;
  const { refusals, sinceMs } = refusal ?? { refusals: 0, sinceMs: clock.wallMs() };
  await store.set(storeKey(key), JSON.stringify({ ...error.toJSON(), v: 2, untilMs, refusals, sinceMs }), sharedMs);
}

/** Ends the refusal that is stored for the key, because a token was acquired. */
export async function endSharedRefusal(store: SharedStore, key: string): Promise<void> {
  await store.set(storeKey(key), 'none', 1);
}

/**
 * The refusal that another process has stored and that has not ended. A response of a peer counts for every process. An error without
 * a response, such as an unreachable peer, may concern that process alone, and so may the refusal of its credential. These count only
 * for callers that waited for that process.
 */
export async function recentRefusal(
  store: SharedStore,
  { key, server, clock }: { key: string; server: string; clock: Clock },
  hasWaited: boolean,
): Promise<{ error: CredenceError; shared: SharedRefusal } | undefined> {
  const text = await store.get(storeKey(key));
  const stored = text === undefined ? undefined : schema.safeParse(parseJsonObject(text)).data;
  if (!stored) return undefined;
  const { v: _version, untilMs, sinceMs, refusals, ...init } = stored;
  const pausedForMs = Math.min(untilMs - clock.wallMs(), LONGEST_PAUSE_MS);
  if (!(pausedForMs > 0)) return undefined;
  store.holderFinished(key);
  const error = new CredenceError({ ...init, server });
  if ((error.status === undefined || concernsClient(error)) && !hasWaited) return undefined;
  return { error, shared: { refusals, sinceMs, pausedForMs } };
}

function storeKey(key: string): string {
  return `${key}.refused`;
}
