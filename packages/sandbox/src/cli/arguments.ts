import { parseArgs } from 'node:util';

export const usageLine = (invocation: string) => `Usage: ${invocation} [options] [-- COMMAND ...]`;

export const usage = (invocation: string) => `${usageLine(invocation)}

Starts an identity provider, authorization servers and MCP servers on loopback. Prints each of their decisions until you
stop it with Ctrl-C. With a COMMAND, runs the command as the principal of --env, then stops with its exit code.

  --config FILE      your own servers, principals and grants: JSON, or a module whose default export is the options of
                     startSandbox. A path in "module" is relative to the file.
  --principal NAME   show this principal only
  --env NAME         print this principal's configuration as export lines on standard output, secrets included,
                     and everything else on standard error
  --json             print JSON: first one line with all URLs and grants, and the files with the variables of the
                     principals (with --env, the variables themselves), then one line for each decision
  --latency MS       every endpoint waits this many milliseconds before it answers
  --single-use       the authorization servers accept each ID-JAG only once
  --help             show this help
`;

export interface Arguments {
  help: boolean;
  json: boolean;
  config: string | undefined;
  principal: string | undefined;
  env: string | undefined;
  /** Milliseconds. Undefined: the value of the configuration file. */
  latencyMs: number | undefined;
  singleUseIdJags: boolean | undefined;
  /** The command after `--`, with its arguments. */
  command: readonly string[] | undefined;
}

/** @throws Error with a message of one sentence, for an option that does not exist or has an invalid value. */
export function readArguments(argv: readonly string[]): Arguments {
  const end = argv.indexOf('--');
  const command = end === -1 ? undefined : argv.slice(end + 1);
  if (command?.length === 0) throw new Error('There is no command after --.');
  const { values } = parseArgs({
    args: end === -1 ? [...argv] : argv.slice(0, end),
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      json: { type: 'boolean', default: false },
      config: { type: 'string' },
      principal: { type: 'string' },
      env: { type: 'string' },
      latency: { type: 'string' },
      'single-use': { type: 'boolean' },
    },
  });
  if (values.latency !== undefined && !/^\d{1,5}$/u.test(values.latency)) {
    throw new Error('--latency takes a number of milliseconds.');
  }
  return {
    help: values.help,
    json: values.json,
    config: values.config,
    principal: values.principal,
    env: values.env,
    latencyMs: values.latency === undefined ? undefined : Number(values.latency),
    singleUseIdJags: values['single-use'],
    command,
  };
}

/**
 * Returns the arguments.
 * @throws Error with a message of one sentence, for a principal that does not exist, and for a command without a principal.
 */
export function checkPrincipals(given: Arguments, names: readonly string[]): Arguments {
  const { principal, env, command } = given;
  for (const name of [principal, env]) {
    if (name === undefined || names.includes(name)) continue;
    throw new Error(`There is no principal ${JSON.stringify(name)}. Use one of: ${names.join(', ')}.`);
  }
  if (command !== undefined && env === undefined) {
    throw new Error(`--env says as which principal the command runs. Use one of: ${names.join(', ')}.`);
  }
  return given;
}
