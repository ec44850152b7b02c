import { z } from 'zod';

/** An access token in the store. Times are of the wall clock, in milliseconds since the epoch. */
export interface StoredToken {
  readonly value: string;
  readonly type: 'Bearer' | 'DPoP';
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly scopes: readonly string[];
  readonly missingScopes: readonly string[];
  /** Of the missing scopes, those that the authorization server did not grant. A token of an earlier version has none. */
  readonly withheldScopes: readonly string[];
  readonly issuer: string;
  readonly resource: string;
}

const schema = z.object({
  v: z.literal(1),
  value: z.string().min(1),
  type: z.enum(['Bearer', 'DPoP']),
  issuedAtMs: z.number(),
  expiresAtMs: z.number(),
  scopes: z.array(z.string()),
  missingScopes: z.array(z.string()),
  withheldScopes: z.array(z.string()).default([]),
  issuer: z.string(),
  resource: z.string(),
});

export function serialiseToken(token: StoredToken): string {
  const { value, type, issuedAtMs, expiresAtMs, scopes, missingScopes, withheldScopes, issuer, resource } = token;
  return JSON.stringify({
    v: 1,
    value,
    type,
    issuedAtMs,
    expiresAtMs,
    scopes,
    missingScopes,
    withheldScopes,
    issuer,
    resource,
  });
}

/** Undefined if the text has another format, for example because another version of Credence wrote it. */
export function parseStoredToken(text: string): StoredToken | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
