import { parseArgs } from 'node:util';
import { PRINCIPAL_NAMES, type PrincipalName } from '../principals/seed.ts';

export const USAGE = `Usage: npm run sandbox -- [options]

Starts an identity provider, two authorization servers and three MCP servers on loopback. Prints each of their
decisions until you stop it with Ctrl-C.

  --principal NAME   show this principal only
  --env NAME         print this principal's configuration as export lines on standard output, secrets included,
                     and everything else on standard error
  --json             print JSON: first one line with all URLs and grants, then one line for each decision
  --latency MS       every endpoint waits this many milliseconds before it answers
  --single-use       the authorization servers accept each ID-JAG only once
  --help             show this help

Principals: ${PRINCIPAL_NAMES.join(', ')}
`;

export interface Arguments {
  help: boolean;
  json: boolean;
  principal: PrincipalName | undefined;
  env: PrincipalName | undefined;
  latencyMs: number;
  singleUseIdJags: boolean;
}

/** @throws Error with a message of one sentence, for an option or a principal that does not exist. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      json: { type: 'boolean', default: false },
      principal: { type: 'string' },
      env: { type: 'string' },
      latency: { type: 'string', default: '0' },
      'single-use': { type: 'boolean', default: false },
    },
  });
  if (!/^\d{1,5}$/u.test(values.latency)) throw new Error('--latency takes a number of milliseconds.');
  return {
    help: values.help,
    json: values.json,
    principal: principalName(values.principal),
    env: principalName(values.env),
    latencyMs: Number(values.latency),
    singleUseIdJags: values['single-use'],
  };
}

function principalName(given: string | undefined): PrincipalName | undefined {
  if (given === undefined) return undefined;
  const found = PRINCIPAL_NAMES.find((name) => name === given);
  if (found === undefined) {
    throw new Error(`There is no principal ${JSON.stringify(given)}. Use one of: ${PRINCIPAL_NAMES.join(', ')}.`);
  }
  return found;
}
