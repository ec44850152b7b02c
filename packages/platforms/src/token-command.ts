import { cleanText } from '@credence/protocol';
import { z } from 'zod';
import { tokenUnavailable } from './errors.ts';
import { fieldName, jwtFrom, textAt } from './jwt.ts';
import { checkOptions, environment, jsonField, milliseconds, text } from './options.ts';
import type { Environment, Platform } from './platform.ts';
import { type CommandResult, runCommand } from './run-command.ts';

/** Options of `tokenCommand`. */
export interface TokenCommandOptions {
  /** The executable: a path, or a name that is searched in `PATH`. It is started without a shell. */
  command: string;
  /**
   * Its arguments. `{audience}` in an argument is replaced with the requested audience; without it the audience is the one that the
   * command chooses.
   */
  args?: readonly string[];
  /** The member of the JSON output that contains the token, or the names on the way to it. Default: the output is the token. */
  field?: string | readonly string[];
  /** The names of the environment variables that the command gets. Default: `PATH`, `HOME`, `USER`, `LANG`, `TMPDIR` and, on Windows, what programs need there. */
  pass?: readonly string[];
  /** The environment variables from which `pass` chooses. Default: `process.env`. */
  env?: Environment;
  /** Whether the command returns new tokens while the program runs. Default: true. */
  renewable?: boolean;
  /** The time limit of a run, in milliseconds. Then the command gets SIGTERM. Default: 8000. */
  timeoutMs?: number;
  /** The time between SIGTERM and SIGKILL, in milliseconds. Default: 2000. */
  killAfterMs?: number;
}

const AUDIENCE = '{audience}';
const MAX_BYTES = 256 * 1024;
const PASSED = ['PATH', 'HOME', 'USER', 'LANG', 'TMPDIR', 'SystemRoot', 'PATHEXT', 'TEMP', 'USERPROFILE', 'APPDATA'];
const withoutNul = z.string().refine((value) => !value.includes('\0'), 'contains a NUL character');
const schema = z.strictObject({
  command: text.and(withoutNul),
  args: z.array(withoutNul).optional(),
  field: jsonField,
  pass: z.array(text).optional(),
  env: environment,
  renewable: z.boolean().optional(),
  timeoutMs: milliseconds,
  killAfterMs: milliseconds,
});

/**
 * An executable that writes a JWT, or JSON with a JWT in it, to its standard output. No shell reads the arguments. What it writes to
 * its standard error is discarded, and nothing that it writes becomes part of an error. It gets only the environment variables that
 * `pass` names.
 *
 * @example
 * <!-- from examples/token-sources.ts#command -->
 * ```ts
 * const fromCommand = tokenCommand({
 *   command: 'node',
 *   args: ['-e', printToken, token],
 *   field: ['status', 'token'],
 *   env,
 *   pass: ['PATH'], // the command gets no other variable
 * });
 * ```
 */
export function tokenCommand(options: TokenCommandOptions): Platform {
  checkOptions('tokenCommand', schema, options);
  const { pass = PASSED, env = process.env, ...rest } = options;
  return commandSource({
    ...rest,
    platform: 'tokenCommand',
    environment: () => Object.fromEntries(pass.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
    claims: { iss: 'the issuer of the JWT that the command writes', sub: 'the subject of that JWT' },
  });
}

/** A platform whose command line program writes the token. */
export function commandSource({
  platform,
  command,
  args = [],
  field,
  environment: variables,
  renewable = true,
  timeoutMs = 8_000,
  killAfterMs = 2_000,
  claims,
  forks,
  remedy = `Run the command by hand as the bot's user, and compare its environment variables.`,
  argumentOf = (audience) => audience,
}: Omit<TokenCommandOptions, 'env' | 'pass'> &
  Pick<Platform, 'platform' | 'claims' | 'forks'> & {
    environment: () => Record<string, string>;
    remedy?: string;
    /** What replaces `{audience}` in the arguments. */
    argumentOf?: (audience: string) => string;
  }): Platform {
  const choosesAudience = args.some((argument) => argument.includes(AUDIENCE));
  const name = JSON.stringify(cleanText(command, { max: 200 }));
  return {
    platform,
    audience: choosesAudience ? 'any' : 'fixed',
    renewable,
    local: false,
    claims,
    forks,
    async getToken({ audience, signal }) {
      const result = await runCommand({
        file: command,
        args: args.map((argument) => argument.replaceAll(AUDIENCE, () => argumentOf(audience))),
        env: variables(),
        timeoutMs,
        killAfterMs,
        maxBytes: MAX_BYTES,
        signal,
      });
      if (result.ended !== 'exited' || result.code !== 0) {
        const causeCode = result.ended === 'not-started' ? result.errorCode : undefined;
        throw tokenUnavailable(platform, `the command ${name} ${howItEnded(result, timeoutMs)}.`, remedy, {
          causeCode,
        });
      }
      const output = field === undefined ? result.output : textAt(result.output, field);
      if (output === undefined) {
        const where = fieldName(field ?? '');
        throw tokenUnavailable(platform, `the output of ${name} has no text in the JSON field ${where}.`, remedy);
      }
      const from = `the output of ${name}`;
      return jwtFrom(output, { platform, from, remedy, audience: choosesAudience ? audience : undefined });
    },
    detect: async () => ({ here: true }),
  };
}

function howItEnded(result: CommandResult, timeoutMs: number): string {
  switch (result.ended) {
    case 'exited':
      return `ended with exit code ${result.code}; what it wrote is not shown, because it may contain a secret`;
    case 'killed':
      return `was ended by ${result.signalName}`;
    case 'not-started':
      return `cannot be started: ${START_ERRORS[result.errorCode] ?? result.errorCode}`;
    case 'too-slow':
      return `did not end within ${timeoutMs} ms and was stopped`;
    case 'too-much-output':
      return `wrote more than ${MAX_BYTES / 1024} KiB and was stopped`;
  }
}

const START_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist (ENOENT)',
  EACCES: 'it is not executable for this user (EACCES)',
  EPERM: 'it is not permitted (EPERM)',
  E2BIG: 'its arguments are too long (E2BIG)',
};
