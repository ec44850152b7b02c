import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { QueryRefused } from './select-only.ts';

const WORKER_FILE = 'sql.js/dist/worker.sql-wasm.js';

/** With these settings SQLite refuses every write, and every statement that needs more memory than the limit. */
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

interface PendingRequest {
  resolve: (result: ResultSet) => void;
  reject: (error: Error) => void;
}

/**
 * Runs queries on a copy of a database in a worker thread of sql.js, one at a time.
 *
 * A thread is used because SQLite compiled to WebAssembly cannot be interrupted: in the main thread, an endless recursive query
 * would stop the whole process. If a query exceeds `timeoutMs`, its thread is terminated and the next query starts a new thread.
 */
export class QueryWorker {
  readonly #contents: Uint8Array;
  readonly #timeoutMs: number;
  readonly #pending = new Map<number, PendingRequest>();
  #worker: Worker | undefined;
  #nextId = 0;
  #lastQuery: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(contents: Uint8Array, timeoutMs: number) {
    this.#contents = contents;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws {QueryRefused} if SQLite refuses the query or the query exceeds `timeoutMs`. */
  async run(sql: string): Promise<ResultSet> {
    const query = this.#lastQuery.then(() => this.#runNow(sql));
    this.#lastQuery = query.catch(() => undefined);
    return query;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#stop('The database was closed.');
  }

  async #runNow(sql: string): Promise<ResultSet> {
    const worker = await this.#ready();
    return this.#request(worker, { action: 'exec', sql });
  }

  async #ready(): Promise<Worker> {
    if (this.#closed) throw new QueryRefused('The database was closed.');
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(createRequire(import.meta.url).resolve(WORKER_FILE));
    this.#worker = worker;
    worker.on('message', (message: unknown) => this.#settle(message));
    worker.on('error', () => void this.#stop('The query stopped the database engine.'));
    await this.#request(worker, { action: 'open', buffer: this.#contents });
    await this.#request(worker, { action: 'exec', sql: SETTINGS });
    return worker;
  }

  async #request(worker: Worker, message: Record<string, unknown>): Promise<ResultSet> {
    const id = (this.#nextId += 1);
    const timer = setTimeout(
      () => void this.#stop(`The query took longer than ${this.#timeoutMs} ms. Narrow it down with WHERE or LIMIT.`),
      this.#timeoutMs,
    );
    try {
      return await new Promise<ResultSet>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
        worker.postMessage({ ...message, id });
      });
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  #settle(message: unknown): void {
    const parsed = answer.safeParse(message);
    const id = parsed.data?.id;
    const pendingRequest = id === undefined ? undefined : this.#pending.get(id);
    if (!parsed.success || pendingRequest === undefined) {
      void this.#stop('The database engine sent an invalid answer.');
      return;
    }
    if (parsed.data.error !== undefined)
      pendingRequest.reject(new QueryRefused(`SQLite refused: ${parsed.data.error}.`));
    else pendingRequest.resolve(parsed.data.results?.[0] ?? { columns: [], values: [] });
  }

  async #stop(reason: string): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    for (const { reject } of this.#pending.values()) reject(new QueryRefused(reason));
    await worker?.terminate();
  }
}
