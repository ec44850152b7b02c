import { spawn } from 'node:child_process';

/** Runs a command with further environment variables. Resolves to the exit code that a shell would report. */
export function runCommand(command: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } });
    // Ctrl-C reaches the command, too, which decides when it ends
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.once('error', (error) => reject(new Error(`The command ${program} cannot be started: ${error.message}`)));
    child.once('exit', (code, signal) => {
      process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}
