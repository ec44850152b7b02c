import { z } from 'zod';

/** An ID-JAG as it is stored; its end on the wall clock, in milliseconds since the epoch. */
export interface StoredIdJag {
  readonly assertion: string;
  readonly expiresAtMs: number;
  /** Undefined where neither the IdP nor the ID-JAG says. */
  readonly scopes: readonly string[] | undefined;
}

const schema = z.object({
  v: z.literal(1),
  assertion: z.string().min(1),
  expiresAtMs: z.number(),
  scopes: z.array(z.string()).or(z.undefined()),
});

export function serialiseIdJag({ assertion, expiresAtMs, scopes }: StoredIdJag): string {
  return JSON.stringify({ v: 1, assertion, expiresAtMs, scopes });
}

/** Undefined for anything that another version wrote, or that is not ours. */
export function parseStoredIdJag(text: string): StoredIdJag | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(text)).data;
    return parsed && { ...parsed, scopes: parsed.scopes };
  } catch {
    return undefined;
  }
}
