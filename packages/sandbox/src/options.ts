import { z } from 'zod';
import { invalidConfiguration } from './invalid-configuration.ts';
import type { PrincipalName } from './principals/seed.ts';
import type {
  DefaultAuthorizationServer,
  DefaultGroup,
  OnlyServer,
  SandboxMcpSource,
  SandboxWorld,
} from './world/options.ts';
import { WORLD_OPTIONS } from './world/schema.ts';
import { type AnyWorld, resolveWorld, type World } from './world/world.ts';

const seconds = z.number().int().positive();

/** Where the servers of a sandbox run: in this process, or in a child process. */
export type SandboxProcess = 'this' | 'child';

const settings = z.strictObject({
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
});

export type ResolvedOptions = z.infer<typeof settings>;

/** Options of `startSandbox` that concern all servers. */
export interface SandboxSettings {
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
  /** The largest body that the MCP servers accept, in bytes. A larger one is answered with 413. Default 4194304 (4 MiB). */
  maxBodyBytes?: number;
}

/** Options of `startSandbox`. */
export type SandboxOptions<
  Process extends SandboxProcess = 'this',
  Own extends SandboxMcpSource | undefined = undefined,
  Server extends string = OnlyServer<Own>,
  Principal extends string = PrincipalName,
  Group extends string = DefaultGroup<Principal>,
  AuthorizationServer extends string = DefaultAuthorizationServer<Server>,
> = SandboxSettings &
  SandboxWorld<Own, Server, Principal, Group, AuthorizationServer> & {
    /**
     * `child`: the sandbox runs in a child process, and the result is a `ChildSandbox`. For a test runner that cannot load the
     * libraries of the sandbox, such as jest without further settings. Default: `this`.
     */
    process?: Process;
  };

/** Options with any names. */
export type AnyOptions = SandboxSettings & AnyWorld & { process?: SandboxProcess };

/** @throws CredenceError `invalid_configuration` for an option that does not exist or has an invalid value. */
export function resolveOptions(given: AnyOptions): {
  settings: ResolvedOptions;
  world: World;
  process: SandboxProcess;
} {
  const { process = 'this', ...options } = given;
  if (process !== 'this' && process !== 'child') {
    throw invalidConfiguration('The option process of startSandbox is neither "this" nor "child".', 'Correct it.');
  }
  const entries = Object.entries(options);
  const ofWorld = entries.filter(([name]) => WORLD_OPTIONS.includes(name));
  const parsed = settings.safeParse(Object.fromEntries(entries.filter(([name]) => !WORLD_OPTIONS.includes(name))));
  if (!parsed.success) {
    throw invalidConfiguration(
      `The sandbox cannot start with these options: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`,
      `The options of startSandbox are ${[...Object.keys(settings.shape), ...WORLD_OPTIONS, 'process'].join(', ')}.`,
    );
  }
  return { settings: parsed.data, world: resolveWorld(Object.fromEntries(ofWorld)), process };
}
