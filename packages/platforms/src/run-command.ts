import { type ChildProcess, spawn } from 'node:child_process';

/** A command that is run for its output. */
export interface Command {
  /** The name or path of the executable. */
  readonly file: string;
  readonly args: readonly string[];
  /** All environment variables that the command gets. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** The time between SIGTERM and SIGKILL, in milliseconds. */
  readonly killAfterMs: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** How a command ended. Nothing of its output is part of a failure. */
export type CommandResult =
  | { readonly ended: 'exited'; readonly code: number; readonly output: string }
  | { readonly ended: 'killed'; readonly signalName: string }
  | { readonly ended: 'not-started'; readonly errorCode: string }
  | { readonly ended: 'too-slow' | 'too-much-output' };

/** The longest wait for the rest of the output after the command has exited: a process that it started may hold its output open. */
const DRAIN_MS = 250;
const isWindows = process.platform === 'win32';

/**
 * Runs an executable without a shell and returns its standard output. Its standard input is empty, and its standard error is
 * discarded, because it may contain a secret. After the time limit, or with too much output, the command and the processes that it
 * started get SIGTERM, and SIGKILL after `killAfterMs`. Rejects with the reason of the signal if it is aborted.
 */
export async function runCommand(command: Command): Promise<CommandResult> {
  command.signal.throwIfAborted();
  const child = started(command);
  if (!('stdout' in child)) return child;
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const timers: NodeJS.Timeout[] = [];
    const finish = (settle: () => void) => {
      for (const timer of timers) clearTimeout(timer);
      command.signal.removeEventListener('abort', abort);
      child.stdout?.destroy();
      settle();
    };
    const stop = (settle: () => void) => {
      terminate(child, command.killAfterMs);
      finish(settle);
    };
    const abort = () => stop(() => reject(command.signal.reason as Error));
    command.signal.addEventListener('abort', abort, { once: true });
    timers.push(setTimeout(() => stop(() => resolve({ ended: 'too-slow' })), command.timeoutMs));
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > command.maxBytes) stop(() => resolve({ ended: 'too-much-output' }));
    });
    const ended = (code: number | null, signalName: string | null) =>
      finish(() =>
        resolve(
          code === null
            ? { ended: 'killed', signalName: signalName ?? 'an unknown signal' }
            : { ended: 'exited', code, output: Buffer.concat(chunks).toString('utf8') },
        ),
      );
    child.once('error', (error) => finish(() => resolve({ ended: 'not-started', errorCode: codeOf(error) })));
    child.once('close', ended);
    child.once('exit', (code, signalName) => timers.push(setTimeout(() => ended(code, signalName), DRAIN_MS)));
  });
}

/** `spawn` throws at once for some errors, such as an argument that is too long. */
function started({ file, args, env }: Command): ChildProcess | CommandResult {
  try {
    // With a process group of its own, the processes that the command starts are ended too.
    return spawn(file, [...args], {
      env: { ...env },
      shell: false,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: !isWindows,
    });
  } catch (error) {
    return { ended: 'not-started', errorCode: codeOf(error) };
  }
}

function terminate(child: ChildProcess, killAfterMs: number): void {
  send(child, 'SIGTERM');
  if (child.exitCode !== null || child.signalCode !== null) {
    send(child, 'SIGKILL');
    return;
  }
  const timer = setTimeout(() => send(child, 'SIGKILL'), killAfterMs);
  child.once('exit', () => {
    clearTimeout(timer);
    // A process that the command started may have ignored SIGTERM.
    send(child, 'SIGKILL');
  });
}

function send(child: ChildProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    if (isWindows) child.kill(name);
    else process.kill(-child.pid, name);
  } catch {
    // The process group has ended.
  }
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[A-Z_0-9]{1,40}$/u.test(code) ? code : 'unknown error';
}
