import { CredenceError } from '@credence/core';
import { z } from 'zod';

const seconds = z.number().int().positive();

const options = z.strictObject({
  accessTokenLifetimeSeconds: seconds.default(300),
  idJagLifetimeSeconds: seconds.default(300),
  subjectTokenLifetimeSeconds: seconds.default(600),
  singleUseIdJags: z.boolean().default(false),
  accessTokenFormat: z.enum(['opaque', 'jwt']).default('opaque'),
  requireDpop: z.boolean().default(false),
  latencyMs: z.number().int().nonnegative().max(60_000).default(0),
});

export type ResolvedOptions = z.infer<typeof options>;

/** Options of `startSandbox`. */
export interface SandboxOptions {
  /** How long the authorization servers' access tokens live. Default 300. */
  accessTokenLifetimeSeconds?: number;
  /** How long an ID-JAG lives. Default 300. */
  idJagLifetimeSeconds?: number;
  /** How long a principal's own access token and ID token at the IdP live. Default 600. */
  subjectTokenLifetimeSeconds?: number;
  /** The authorization servers take each ID-JAG once. Default false: until it expires, as the draft allows. */
  singleUseIdJags?: boolean;
  /** Default `opaque`: the MCP servers introspect every token, so a revocation shows at once. A `jwt` cannot be revoked. */
  accessTokenFormat?: 'opaque' | 'jwt';
  /** The MCP servers take only tokens that are bound to a key (RFC 9449). Default false: bound ones and bearer tokens. */
  requireDpop?: boolean;
  /** Every endpoint of every party answers after this many milliseconds. Default 0. */
  latencyMs?: number;
}

/** @throws CredenceError `invalid_configuration` for an option that does not exist or has the wrong kind. */
export function resolveOptions(given: SandboxOptions): ResolvedOptions {
  const parsed = options.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `The sandbox cannot start with these options: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`,
    remedy: 'Correct the options of startSandbox.',
    contact: 'you',
  });
}
