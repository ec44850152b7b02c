import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { CommandName, Commands, Reply } from './messages.ts';

const ROOT = join(import.meta.dirname, '../..');

/** One process of the bot, as a child process of the test. */
export class BotProcess {
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

  /** Executes a command in the process. Rejects with the error code if the command fails, or when the process exits. */
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

/** Starts processes and waits until all are ready. If one process fails to start, all of them are killed. */
export async function startProcesses(count: number): Promise<BotProcess[]> {
  const processes = Array.from({ length: count }, () => new BotProcess());
  try {
    return await Promise.all(processes.map((bot) => bot.started()));
  } catch (error) {
    await Promise.all(processes.map((bot) => bot.kill()));
    throw error;
  }
}
