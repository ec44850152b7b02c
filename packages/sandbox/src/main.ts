import { auditLine } from './cli/audit-line.ts';
import { type Arguments, readArguments, USAGE } from './cli/arguments.ts';
import { exportLines } from './cli/exports.ts';
import { describeSandbox, overview } from './cli/overview.ts';
import type { Sandbox } from './sandbox.ts';
import { startSandbox } from './start-sandbox.ts';

async function main(): Promise<void> {
  let given: Arguments;
  try {
    given = readArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (given.help) {
    process.stdout.write(USAGE);
    return;
  }
  const sandbox = await startSandbox({ latencyMs: given.latencyMs, singleUseIdJags: given.singleUseIdJags });
  stopOnSignal(sandbox);
  if (given.json) printJson(sandbox, given);
  else printText(sandbox, given);
}

function printText(sandbox: Sandbox, { principal, env }: Arguments): void {
  // with --env, a shell reads standard output, so everything else goes to standard error
  const out = env === undefined ? process.stdout : process.stderr;
  if (env !== undefined) process.stdout.write(exportLines(sandbox.principals[env].env));
  out.write(`${overview(sandbox, principal ?? env)}Decisions, until Ctrl-C:\n`);
  const colours = out.isTTY && process.env['NO_COLOR'] === undefined;
  sandbox.audit.subscribe((record) => void out.write(`${auditLine(record, colours)}\n`));
}

function printJson(sandbox: Sandbox, { principal, env }: Arguments): void {
  const description = describeSandbox(sandbox, principal ?? env);
  const variables = env === undefined ? {} : { env: sandbox.principals[env].env };
  process.stdout.write(`${JSON.stringify({ ...description, ...variables })}\n`);
  sandbox.audit.subscribe((record) => void process.stdout.write(`${JSON.stringify(record)}\n`));
}

/** On the first signal, closes the sandbox, and the process exits by itself. On a second signal, exits at once. */
function stopOnSignal(sandbox: Sandbox): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(code));
      void sandbox.close().then(() => process.removeAllListeners(signal));
    });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`The sandbox could not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
