import { parseJsonObject } from '@credence/protocol';
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../errors/codes.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { retryAfterMs } from './refusals.ts';
import type { SharedStore } from '../store/shared-store.ts';

/** The time for which a refusal is stored, unless the peer sent a longer `Retry-After`. */
const SHARED_MS = 1_000;

const schema = z.object({
  v: z.literal(1),
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
});

/**
 * Stores the error of an acquisition for a second, so that many processes of the bot do not send the same request one after
 * another. An error of this process alone, such as a file that it cannot read, is not stored.
 */
export async function shareRefusal(store: SharedStore, key: string, error: unknown): Promise<void> {
  if (!(error instanceof CredenceError) || error.leg === 'configure') return;
  await store.set(storeKey(key), JSON.stringify({ v: 1, ...error.toJSON() }), retryAfterMs(error) ?? SHARED_MS);
}

/**
 * The refusal that another process has just stored. A response of a peer counts for every process. An error without a response,
 * such as an unreachable peer, may concern that process alone, so it counts only for callers that waited for that process.
 */
export async function recentRefusal(
  store: SharedStore,
  { key, server }: { key: string; server: string },
  hasWaited: boolean,
): Promise<CredenceError | undefined> {
  const text = await store.get(storeKey(key));
  const stored = text === undefined ? undefined : schema.safeParse(parseJsonObject(text)).data;
  if (!stored || (stored.status === undefined && !hasWaited)) return undefined;
  return new CredenceError({ ...stored, server });
}

function storeKey(key: string): string {
  return `${key}.refused`;
}
