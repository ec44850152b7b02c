/** A separate program that starts a sandbox in a child process, prints the id of the child, and does not close the sandbox. */
import { startSandbox } from '../start-sandbox.ts';

async function main(mode: string): Promise<void> {
  const sandbox = await startSandbox({ process: 'child' });
  await sandbox.idp.requests();
  process.stdout.write(`${sandbox.pid}\n`);
  if (mode === 'wait') setInterval(() => undefined, 1_000);
}

void main(process.argv[2] ?? '');
