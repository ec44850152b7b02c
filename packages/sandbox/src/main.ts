#!/usr/bin/env node
import { auditLine } from './cli/audit-line.ts';
import { type Arguments, checkPrincipals, readArguments, usage, usageLine } from './cli/arguments.ts';
import { readConfig } from './cli/config.ts';
import { writeEnvFiles } from './cli/env-files.ts';
import { exportLines, quoted } from './cli/exports.ts';
import { invocation } from './cli/invocation.ts';
import { type AnySandbox, commandsText, describeSandbox, overview } from './cli/overview.ts';
import { runCommand } from './cli/run-command.ts';
import { type AnyOptions, resolveOptions } from './options.ts';
import type { Principal } from './sandbox.ts';
import { startSandbox } from './start-sandbox.ts';

const program = invocation(process.argv[1] ?? '', process.env);

async function main(): Promise<void> {
  const given = onMistake(() => readArguments(process.argv.slice(2)));
  if (given === undefined) return;
  if (given.help) {
    process.stdout.write(usage(program));
    return;
  }
  const options = await optionsOf(given);
  const names = resolveOptions(options).world.principals.map(({ name }) => name);
  if (onMistake(() => checkPrincipals(given, names)) === undefined) return;
  // the names are those of the configuration file
  const sandbox: AnySandbox = await startSandbox<'this', typeof options.mcpServer, string, string, string, string>(
    options,
  );
  if (given.command !== undefined) {
    await runAs(sandbox, given.command, principalOf(sandbox, given.env));
    return;
  }
  stopOnSignal(sandbox);
  if (given.json) printJson(sandbox, given);
  else printText(sandbox, given);
}

/** Calls `read`. If it throws, prints the error and how to get help, and the exit code is 2. */
function onMistake<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    process.stderr.write(`${explained(error)}\n${usageLine(program)} (--help lists the options)\n`);
    process.exitCode = 2;
    return undefined;
  }
}

async function optionsOf({ config, latencyMs, singleUseIdJags }: Arguments): Promise<Omit<AnyOptions, 'process'>> {
  const { process: _process, ...options } = config === undefined ? {} : await readConfig(config);
  return {
    ...options,
    ...(latencyMs !== undefined && { latencyMs }),
    ...(singleUseIdJags !== undefined && { singleUseIdJags }),
  };
}

async function runAs(
  sandbox: AnySandbox,
  command: readonly string[],
  principal: Principal<string, string>,
): Promise<void> {
  sandbox.audit.subscribe((record) => {
    if (!record.granted) process.stderr.write(`${auditLine(record, process.stderr.isTTY)}\n`);
  });
  try {
    process.exitCode = await runCommand(command, principal.env);
  } finally {
    await sandbox.close();
  }
}

function printText(sandbox: AnySandbox, given: Arguments): void {
  const { principal, env, config } = given;
  // with --env, a shell reads standard output, so everything else goes to standard error
  const out = env === undefined ? process.stdout : process.stderr;
  if (env !== undefined) process.stdout.write(exportLines(principalOf(sandbox, env).env));
  out.write(overview(sandbox, principal ?? env));
  if (env === undefined) {
    const again = config === undefined ? program : `${program} --config ${quoted(config)}`;
    out.write(commandsText({ invocation: again, envFiles: envFilesOf(sandbox, principal) }));
  }
  out.write('Decisions, until Ctrl-C:\n');
  const colours = out.isTTY && process.env['NO_COLOR'] === undefined;
  sandbox.audit.subscribe((record) => void out.write(`${auditLine(record, colours)}\n`));
}

function printJson(sandbox: AnySandbox, { principal, env }: Arguments): void {
  const description = describeSandbox(sandbox, principal ?? env);
  const variables =
    env === undefined
      ? { envFiles: Object.fromEntries(envFilesOf(sandbox, principal)) }
      : { env: principalOf(sandbox, env).env };
  process.stdout.write(`${JSON.stringify({ ...description, ...variables })}\n`);
  sandbox.audit.subscribe((record) => void process.stdout.write(`${JSON.stringify(record)}\n`));
}

function envFilesOf(sandbox: AnySandbox, only: string | undefined): ReadonlyMap<string, string> {
  const principals = Object.values(sandbox.principals);
  return writeEnvFiles(principals.filter(({ name }) => only === undefined || name === only));
}

function principalOf(sandbox: AnySandbox, name = ''): Principal<string, string> {
  const principal = sandbox.principals[name];
  if (principal === undefined) throw new Error(`There is no principal ${JSON.stringify(name)}.`);
  return principal;
}

/**
 * On the first signal, closes the sandbox, and the process exits by itself. On a second signal, exits at once. npx does not pass SIGTERM
 * on, so under npx the sandbox also closes when its parent has ended.
 */
function stopOnSignal(sandbox: AnySandbox): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(code));
      void sandbox.close().then(() => process.removeAllListeners(signal));
    });
  }
  if (process.env['npm_lifecycle_event'] !== 'npx') return;
  const parent = process.ppid;
  const check = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(check);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  check.unref();
}

function explained(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'remedy' in error && typeof error.remedy === 'string' ? `${error.message} ${error.remedy}` : error.message;
}

main().catch((error: unknown) => {
  process.stderr.write(`${explained(error)}\n`);
  process.exitCode = 1;
});
