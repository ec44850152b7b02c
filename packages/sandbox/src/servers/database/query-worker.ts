import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { QueryRefused } from './select-only.ts';

const WORKER_FILE = 'sql.js/dist/worker.sql-wasm.js';

/** SQLite itself refuses to write, and to use more memory than this, whatever the statement is. */
const SETTINGS = `PRAGMA query_only = ON; PRAGMA hard_heap_limit = ${32 * 1024 * 1024}`;

const value = z.union([z.number(), z.string(), z.null(), z.instanceof(Uint8Array)]);
const answer = z.object({
  id: z.number().optional(),
  error: z.string().optional(),
  results: z.array(z.object({ columns: z.array(z.string()), values: z.array(z.array(value)) })).optional(),
});

export interface ResultSet {
  columns: string[];
  values: (number | string | Uint8Array | null)[][];
}

interface Waiting {
  resolve: (result: ResultSet) => void;
  reject: (error: Error) => void;
}

/**
 * Runs queries on a copy of a database in sql.js's own worker thread, one at a time.
 *
 * A thread, because SQLite compiled to WebAssembly cannot be interrupted: an endless recursive query would otherwise
 * stop the whole process. A query that exceeds `timeoutMs` takes its thread with it and the next one gets a new thread.
 */
export class QueryWorker {
  readonly #contents: Uint8Array;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #nextId = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(contents: Uint8Array, timeoutMs: number) {
    this.#contents = contents;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws {QueryRefused} where SQLite refuses or the time is over. */
  async run(sql: string): Promise<ResultSet> {
    const mine = this.#turn.then(() => this.#runNow(sql));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#stop('The database was closed.');
  }

  async #runNow(sql: string): Promise<ResultSet> {
    const worker = await this.#ready();
    return this.#ask(worker, { action: 'exec', sql });
  }

  async #ready(): Promise<Worker> {
    if (this.#closed) throw new QueryRefused('The database was closed.');
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(createRequire(import.meta.url).resolve(WORKER_FILE));
    this.#worker = worker;
    worker.on('message', (message: unknown) => this.#settle(message));
    worker.on('error', () => void this.#stop('The query stopped the database engine.'));
    await this.#ask(worker, { action: 'open', buffer: this.#contents });
    await this.#ask(worker, { action: 'exec', sql: SETTINGS });
    return worker;
  }

  async #ask(worker: Worker, message: Record<string, unknown>): Promise<ResultSet> {
    const id = (this.#nextId += 1);
    const timer = setTimeout(
      () => void this.#stop(`The query took longer than ${this.#timeoutMs} ms. Narrow it down with WHERE or LIMIT.`),
      this.#timeoutMs,
    );
    try {
      return await new Promise<ResultSet>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
        worker.postMessage({ ...message, id });
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  #settle(message: unknown): void {
    const parsed = answer.safeParse(message);
    const id = parsed.data?.id;
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (!parsed.success || waiting === undefined) {
      void this.#stop('The database engine gave an answer that could not be read.');
      return;
    }
    if (parsed.data.error !== undefined) waiting.reject(new QueryRefused(`SQLite refused: ${parsed.data.error}.`));
    else waiting.resolve(parsed.data.results?.[0] ?? { columns: [], values: [] });
  }

  async #stop(reason: string): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(new QueryRefused(reason));
    await worker?.terminate();
  }
}
