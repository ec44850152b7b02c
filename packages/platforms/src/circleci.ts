import { z } from 'zod';
import { checkOptions, environment, milliseconds, variable } from './options.ts';
import type { Environment, Platform } from './platform.ts';
import { commandSource } from './token-command.ts';
import { variableSource } from './variable-source.ts';

/** Options of `circleci`. */
export interface CircleciOptions {
  /**
   * `variable` (default): the token in `CIRCLE_OIDC_TOKEN_V2`, or in `CIRCLE_OIDC_TOKEN` where the newer one is missing. Its audience is
   * the id of the organization. `cli`: `circleci run oidc get` issues a token for each audience.
   */
  from?: 'variable' | 'cli';
  /** The version of the token in a variable. Its `sub` differs. Default: 2 if the job has it, else 1. */
  version?: 1 | 2;
  /** The executable of the CLI, for `from: 'cli'`. Default: `circleci`. */
  command?: string;
  /** The time limit of the CLI, in milliseconds. Default: 8000. */
  timeoutMs?: number;
  /** The environment variables. The CLI gets all of them. Default: `process.env`. */
  env?: Environment;
}

const PLATFORM = 'circleci';
const schema = z.strictObject({
  from: z.enum(['variable', 'cli']).optional(),
  version: z.union([z.literal(1), z.literal(2)]).optional(),
  command: z.string().min(1).optional(),
  timeoutMs: milliseconds,
  env: environment,
});
const VARIABLES = {
  1: ['CIRCLE_OIDC_TOKEN'],
  2: ['CIRCLE_OIDC_TOKEN_V2'],
  any: ['CIRCLE_OIDC_TOKEN_V2', 'CIRCLE_OIDC_TOKEN'],
} as const;
const FORKS =
  'The build of a fork gets a token only if the project passes secrets to builds of forked pull requests. Then check the claim oidc.circleci.com/vcs-origin.';
const claims = {
  iss: 'https://oidc.circleci.com/org/ORGANIZATION-ID',
  sub: 'org/ORGANIZATION-ID/project/PROJECT-ID/user/USER-ID; in CIRCLE_OIDC_TOKEN_V2 followed by /vcs-origin/ORIGIN/vcs-ref/REF',
};

/**
 * The OIDC token of a job of CircleCI. The one in the variables has a fixed audience, the id of the organization, and lives for an
 * hour from the start of the job. With `from: 'cli'` the job's CLI issues a token for each requested audience, at any time.
 *
 * @example
 * <!-- from examples/token-sources.ts#circleci -->
 * ```ts
 * const inCircleci = circleci({ env }); // the audience is the id of the organization
 * const withCli = circleci({ from: 'cli', env }); // `circleci run oidc get`, for any audience
 * ```
 */
export function circleci(options: CircleciOptions = {}): Platform {
  checkOptions(PLATFORM, schema, options);
  const { from = 'variable', version = 'any', command = 'circleci', timeoutMs, env = process.env } = options;
  if (from === 'cli') return fromCli(command, timeoutMs, env);
  return variableSource({
    platform: PLATFORM,
    env,
    names: VARIABLES[version],
    marker: { name: 'CIRCLECI', of: 'CircleCI' },
    claims,
    forks: FORKS,
    remedy: `${FORKS} An air-gapped CircleCI server, or one before 4.4, has no tokens.`,
  });
}

function fromCli(command: string, timeoutMs: number | undefined, env: Environment): Platform {
  const remedy = `The command works only in a job of CircleCI. ${FORKS}`;
  return {
    ...commandSource({
      platform: PLATFORM,
      command,
      args: ['run', 'oidc', 'get', '--claims', '{audience}'],
      ...(timeoutMs !== undefined && { timeoutMs }),
      environment: () => definedIn(env),
      claims,
      forks: FORKS,
      remedy,
      argumentOf: (audience) => JSON.stringify({ aud: audience }),
    }),
    async detect() {
      if (variable(env, 'CIRCLECI') !== undefined) return { here: true };
      return { here: false, why: 'The variable CIRCLECI, which CircleCI sets, is not set.' };
    },
  };
}

function definedIn(env: Environment): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) all[name] = value;
  return all;
}
