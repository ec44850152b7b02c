import { parseJsonObject } from '@credence/protocol';
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../errors/codes.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { retryAfterMs } from './refusals.ts';
import type { SharedStore } from '../store/shared-store.ts';

/** As long as a process remembers a refusal for the callers right behind, unless the peer asked for longer. */
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
  retryAfterSeconds: z.number().optional(),
  missingScopes: z.array(z.string()).optional(),
});

/**
 * Stores for a moment how an acquisition failed, so that a thousand copies of the bot do not request the same refusal one after
 * another. An error of this process alone, such as a file that it cannot read, is not stored.
 */
export async function shareRefusal(store: SharedStore, key: string, error: unknown): Promise<void> {
  if (!(error instanceof CredenceError) || error.leg === 'configure') return;
  await store.set(storeKey(key), JSON.stringify({ v: 1, ...error.toJSON() }), retryAfterMs(error) ?? SHARED_MS);
}

/**
 * The refusal that another copy got a moment ago. An answer of a peer counts for every copy; that a peer could not be reached may
 * concern that copy alone, and counts only for callers that waited for it.
 */
export async function recentRefusal(
  store: SharedStore,
  { key, server }: { key: string; server: string },
  hasWaited: boolean,
): Promise<CredenceError | undefined> {
  const text = await store.get(storeKey(key));
  const told = text === undefined ? undefined : schema.safeParse(parseJsonObject(text)).data;
  if (!told || (told.status === undefined && !hasWaited)) return undefined;
  return new CredenceError({ ...told, server });
}

function storeKey(key: string): string {
  return `${key}.refused`;
}
