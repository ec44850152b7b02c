import { CredenceError } from '@credence/core';
import { z } from 'zod';
import { type UserOptions, usersSchema } from './users/options.ts';

const seconds = z.number().int().positive();

const options = z.strictObject({
  accessTokenLifetimeSeconds: seconds.default(300),
  idJagLifetimeSeconds: seconds.default(300),
  subjectTokenLifetimeSeconds: seconds.default(600),
  singleUseIdJags: z.boolean().default(false),
  accessTokenFormat: z.enum(['opaque', 'jwt']).default('opaque'),
  requireDpop: z.boolean().default(false),
  latencyMs: z.number().int().nonnegative().max(60_000).default(0),
  maxBodyBytes: z
    .number()
    .int()
    .positive()
    .default(4 * 1024 * 1024),
  users: usersSchema.optional(),
});

export type ResolvedOptions = z.infer<typeof options>;

/** Options of `startSandbox`. */
export interface SandboxOptions {
  /** Lifetime of the authorization servers' access tokens, in seconds. Default 300. */
  accessTokenLifetimeSeconds?: number;
  /** Lifetime of an ID-JAG, in seconds. Default 300. */
  idJagLifetimeSeconds?: number;
  /** Lifetime of the subject tokens (a principal's own access token and ID token at the IdP), in seconds. Default 600. */
  subjectTokenLifetimeSeconds?: number;
  /**
   * Whether the authorization servers accept each ID-JAG only once. Default false: an ID-JAG can be redeemed until it expires,
   * which the ID-JAG draft allows.
   */
  singleUseIdJags?: boolean;
  /**
   * Format of the access tokens. Default `opaque`: the MCP servers introspect each token, so a revocation has effect at once. A
   * `jwt` cannot be revoked.
   */
  accessTokenFormat?: 'opaque' | 'jwt';
  /**
   * Whether the MCP servers accept only access tokens bound to a key (DPoP, RFC 9449). Default: false, so the MCP
   * servers also accept bearer tokens.
   */
  requireDpop?: boolean;
  /** Every endpoint waits this many milliseconds before it answers. Default 0. */
  latencyMs?: number;
  /**
   * The users for whom a service principal can act, by the `sub` of their ID tokens, which `userToken` issues. Default: `alice` and `bob` with
   * grants, and `mallory` without. A user must not have the name of a principal.
   */
  users?: Readonly<Record<string, UserOptions>>;
  /** The largest body that the MCP servers accept, in bytes. A larger one is answered with 413. Default 4194304 (4 MiB). */
  maxBodyBytes?: number;
}

/** @throws CredenceError `invalid_configuration` for an option that does not exist or has an invalid value. */
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
