import type { ChildProcess } from 'node:child_process';
import { CredenceError } from '@credence/core';
import { type Operations, receivedError, type ToChild, type ToParent } from './messages.ts';

/** Calls operations in the child process. */
export interface Channel {
  call<Name extends keyof Operations>(
    operation: Name,
    ...args: Parameters<Operations[Name]>
  ): Promise<Awaited<ReturnType<Operations[Name]>>>;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * The child does not keep this process running, except while a call waits for its answer.
 * @param onOther gets the messages that are no answer.
 */
export function openChannel(child: ChildProcess, onOther: (message: ToParent) => void): Channel {
  const waiting = new Map<number, Waiting>();
  let calls = 0;
  const settle = (id: number): Waiting | undefined => {
    const found = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) child.channel?.unref();
    return found;
  };
  child.on('message', (message: ToParent) => {
    if (!('id' in message)) onOther(message);
    else if ('error' in message) settle(message.id)?.reject(receivedError(message.error));
    else settle(message.id)?.resolve(message.value);
  });
  child.once('exit', () => {
    for (const id of waiting.keys()) settle(id)?.reject(ended());
  });
  child.unref();
  child.channel?.unref();
  return {
    call: (operation, ...args) =>
      new Promise((resolve, reject) => {
        if (!child.connected) {
          reject(ended());
          return;
        }
        const id = (calls += 1);
        // the child answers with what the operation returns
        waiting.set(id, {
          resolve: (value) => resolve(value as Awaited<ReturnType<Operations[typeof operation]>>),
          reject,
        });
        child.channel?.ref();
        const message: ToChild = { id, operation, args };
        child.send(message, (error) => {
          if (error !== null) settle(id)?.reject(ended());
        });
      }),
  };
}

function ended(): CredenceError {
  return new CredenceError({
    code: 'closed',
    leg: 'configure',
    message: 'The child process of the sandbox has ended.',
    remedy: 'Call close() later. If you did not call it, the child was killed: start a new sandbox.',
    contact: 'you',
  });
}
