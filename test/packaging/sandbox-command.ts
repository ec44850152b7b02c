import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A program that the commands of the sandbox's overview run. It prints the scopes of its access token. */
const PROGRAM = `
import { ServicePrincipal } from '@credence/core';
const bot = ServicePrincipal.fromEnv();
console.log((await bot.token('issues')).scopes.join(' '));
await bot.close();
`;

/** `npx @credence/sandbox`, running in a project where the package is installed. */
export interface SandboxCommand {
  /** The shell commands that it printed: they run the program `your-program.js` of the folder. */
  readonly commands: readonly string[];
  /** Sends SIGTERM to npx. Resolves when npx and the sandbox have ended. */
  stop(): Promise<void>;
}

export async function startSandboxCommand(folder: string): Promise<SandboxCommand> {
  await writeFile(join(folder, 'your-program.js'), PROGRAM);
  // `--offline`: npx may not look for the package in the registry
  const npx = spawn('npx', ['--offline', '@credence/sandbox'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const commands: string[] = [];
  for await (const line of createInterface({ input: npx.stdout })) {
    if (line.endsWith('node your-program.js')) commands.push(line.trim());
    if (line.startsWith('Decisions')) break;
  }
  // the later lines are read and dropped, so that the pipe closes when the sandbox ends
  npx.stdout.resume();
  return {
    commands,
    async stop() {
      // the pipe closes when the last process that npx started has ended
      const ended = once(npx, 'close');
      npx.kill('SIGTERM');
      await ended;
    },
  };
}
