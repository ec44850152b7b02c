import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { SandboxAuditListener } from '../audit/audit-trail.ts';
import type { AnyOptions } from '../options.ts';
import type { World } from '../world/world.ts';
import { openChannel } from './channel.ts';
import type { ChildSandbox } from './child-sandbox.ts';
import { type Description, receivedError, type Sendable, type ToParent } from './messages.ts';
import { remoteSandbox } from './remote-sandbox.ts';
import { sendable } from './sendable.ts';

/** The child has this many milliseconds to end after `close`, before it is killed. */
const CLOSE_MS = 5_000;
const MAX_STDERR = 4_000;

/**
 * Starts the sandbox in a child process, which runs this package's own file.
 * @throws CredenceError `invalid_configuration` for an option that cannot be sent to another process.
 */
export async function startChild(options: AnyOptions, world: World): Promise<ChildSandbox<string, string, string>> {
  const start = sendable(options, world);
  const child = forkEntry();
  const exited = once(child, 'exit');
  const listeners = new Set<SandboxAuditListener>();
  let description: Description;
  try {
    description = await ready(child, start);
  } catch (error) {
    child.kill('SIGKILL');
    await exited;
    throw error;
  }
  child.stderr?.on('data', (chunk: Buffer) => process.stderr.write(chunk));
  // like the channel, the pipe does not keep this process running
  if (child.stderr instanceof Socket) child.stderr.unref();
  const channel = openChannel(child, (message) => {
    if ('record' in message) for (const listener of listeners) listener(message.record);
  });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      await channel.call('close').catch(() => undefined);
      const killer = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS);
      if (child.exitCode === null && child.signalCode === null) {
        child.ref();
        await exited;
      }
      clearTimeout(killer);
    })();
    return closing;
  };
  return {
    pid: child.pid ?? 0,
    ...remoteSandbox(description, channel, listeners),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Forks `child-main`, which is TypeScript in this repository and JavaScript in the published package. */
function forkEntry(): ChildProcess {
  const isSource = import.meta.url.endsWith('.ts');
  const entry = fileURLToPath(new URL(isSource ? '../child-main.ts' : '../child-main.js', import.meta.url));
  const tsx = () => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return fork(entry, [], {
    // not those of this process: they can be for a debugger, or for a test runner
    execArgv: isSource ? ['--import', tsx()] : [],
    env: { ...process.env, NODE_OPTIONS: (process.env['NODE_OPTIONS'] ?? '').replaceAll(/--inspect\S*/gu, '') },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

/** Sends the options and waits until the sandbox runs. Rejects with the error of the start, or with what the child printed. */
function ready(child: ChildProcess, start: Sendable): Promise<Description> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const print = (chunk: Buffer) => {
      printed = `${printed}${chunk.toString()}`.slice(-MAX_STDERR);
    };
    const settled = () => {
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
      child.stderr?.off('data', print);
    };
    const onMessage = (message: ToParent) => {
      settled();
      if ('ready' in message) resolve(message.ready);
      else
        reject(receivedError('failed' in message ? message.failed : { message: 'The child sent an unknown message.' }));
    };
    const onExit = (code: number | null, signal: string | null) => {
      settled();
      reject(
        new Error(`The child process of the sandbox ended (${signal ?? `code ${String(code)}`}). ${printed}`.trim()),
      );
    };
    const onError = (error: Error) => {
      settled();
      reject(error);
    };
    child.on('message', onMessage).once('exit', onExit).once('error', onError);
    child.stderr?.on('data', print);
    child.send({ start }, (error) => {
      if (error !== null) onError(error);
    });
  });
}
