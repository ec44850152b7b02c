import { z } from 'zod';

/** An ID-JAG in the store. Times are of the wall clock, in milliseconds since the epoch. */
export interface StoredIdJag {
  readonly assertion: string;
  readonly expiresAtMs: number;
  /** From this time on a new ID-JAG is requested, and this one is used only if there is none. */
  readonly goodUntilMs: number;
  /** The granted scopes. Undefined if neither the response of the IdP nor the ID-JAG contained them. */
  readonly scopes: readonly string[] | undefined;
  /** The claim `sub`. An ID-JAG of an earlier version has none here. */
  readonly subject?: string | undefined;
  /** The name in the claim `act`. */
  readonly actor?: string | undefined;
}

const schema = z.object({
  v: z.literal(2),
  assertion: z.string().min(1),
  expiresAtMs: z.number(),
  goodUntilMs: z.number(),
  scopes: z.array(z.string()).optional(),
  subject: z.string().optional(),
  actor: z.string().optional(),
});

export function serialiseIdJag({ assertion, expiresAtMs, goodUntilMs, scopes, subject, actor }: StoredIdJag): string {
  return JSON.stringify({ v: 2, assertion, expiresAtMs, goodUntilMs, scopes, subject, actor });
}

/** Undefined if the text has another format, for example because another version of Credence wrote it. */
export function parseStoredIdJag(text: string): StoredIdJag | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(text)).data;
    return parsed && { ...parsed, scopes: parsed.scopes };
  } catch {
    return undefined;
  }
}
