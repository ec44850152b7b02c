import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { CommandName, Commands, Reply } from './messages.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A copy of the bot in a child process. */
export class Copy {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  readonly #started: Promise<unknown>;
  #lastId = 0;

  constructor() {
    this.#started = this.#wait(0);
    this.#process = fork(join(import.meta.dirname, 'copy.ts'), {
      cwd: ROOT,
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process.on('message', (message) => this.#onReply(message as Reply));
    this.#process.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the process ended'));
      this.#waiting.clear();
    });
  }

  async started(): Promise<this> {
    await this.#started;
    return this;
  }

  /** Executes a command in the copy. Rejects with the code of its failure, or when the process exits. */
  async run<Name extends CommandName>(name: Name, input: Commands[Name]['input']): Promise<Commands[Name]['answer']> {
    this.#lastId += 1;
    const answer = this.#wait(this.#lastId);
    this.#process.send({ id: this.#lastId, name, input });
    return (await answer) as Commands[Name]['answer'];
  }

  /** Ends the process with SIGKILL: it cannot clean up. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  #wait(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #onReply({ id, answer, failure }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failure === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(failure));
  }
}

/** Starts copies and waits until all are ready. If one fails to start, it ends all of them. */
export async function startCopies(count: number): Promise<Copy[]> {
  const copies = Array.from({ length: count }, () => new Copy());
  try {
    return await Promise.all(copies.map((copy) => copy.started()));
  } catch (error) {
    await Promise.all(copies.map((copy) => copy.kill()));
    throw error;
  }
}
