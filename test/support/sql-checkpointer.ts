import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { RunnableConfig } from '@langchain/core/runnables';
import {
  BaseCheckpointSaver,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  getCheckpointId,
  type PendingWrite,
  WRITES_IDX_MAP,
} from '@langchain/langgraph-checkpoint';
import initSqlJs, { type Database } from 'sql.js';

const TABLES = `
  CREATE TABLE IF NOT EXISTS checkpoints (
    thread TEXT, ns TEXT, id TEXT, parent TEXT, type TEXT, value BLOB, metadata_type TEXT, metadata BLOB,
    PRIMARY KEY (thread, ns, id)
  );
  CREATE TABLE IF NOT EXISTS writes (
    thread TEXT, ns TEXT, checkpoint TEXT, task TEXT, idx INTEGER, channel TEXT, type TEXT, value BLOB,
    PRIMARY KEY (thread, ns, checkpoint, task, idx)
  );`;

type Row = Readonly<Record<string, number | string | Uint8Array | null>>;

/**
 * A checkpointer of LangGraph over a SQLite database. With `file` the database is read from this file, and written to it after each
 * change, so that another process can resume a run. Only one process at a time may use the file.
 */
export class SqlCheckpointer extends BaseCheckpointSaver {
  readonly #database: Database;
  readonly #file: string | undefined;

  private constructor(database: Database, file: string | undefined) {
    super();
    this.#database = database;
    this.#file = file;
  }

  static async open(file?: string): Promise<SqlCheckpointer> {
    const { Database } = await initSqlJs();
    const saved = file !== undefined && existsSync(file) ? readFileSync(file) : undefined;
    const database = new Database(saved);
    database.run(TABLES);
    return new SqlCheckpointer(database, file);
  }

  /** The bytes of the whole database as text, for a test that searches for what must not be stored. */
  contents(): string {
    const stored = [...this.#rows('SELECT * FROM checkpoints'), ...this.#rows('SELECT * FROM writes')];
    return stored
      .flatMap((row) => Object.values(row))
      .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value)))
      .join('\n');
  }

  /** Every byte of the database file, one character for each. */
  bytes(): string {
    return Buffer.from(this.#database.export()).toString('latin1');
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const { thread, ns } = placeOf(config);
    const id = getCheckpointId(config);
    const [row] = this.#rows(
      `SELECT * FROM checkpoints WHERE thread = ? AND ns = ? ${id ? 'AND id = ?' : ''} ORDER BY id DESC LIMIT 1`,
      [thread, ns, ...(id ? [id] : [])],
    );
    return row && this.#tuple(row);
  }

  override async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const { thread, ns } = placeOf(config);
    const before: unknown = options.before?.configurable?.['checkpoint_id'];
    const rows = this.#rows('SELECT * FROM checkpoints WHERE thread = ? AND ns = ? ORDER BY id DESC', [thread, ns]);
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    for (const row of rows) {
      if (typeof before === 'string' && String(row['id']) >= before) continue;
      const tuple = await this.#tuple(row);
      const metadata: Readonly<Record<string, unknown>> = { ...tuple.metadata };
      if (!Object.entries(options.filter ?? {}).every(([key, value]) => metadata[key] === value)) continue;
      if ((left -= 1) < 0) return;
      yield tuple;
    }
  }

  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
  ): Promise<RunnableConfig> {
    const { thread, ns, id: parent } = placeOf(config);
    const [type, value] = await this.serde.dumpsTyped(checkpoint);
    const [metadataType, metadataValue] = await this.serde.dumpsTyped(metadata);
    this.#change('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?)', [
      [thread, ns, checkpoint.id, parent, type, value, metadataType, metadataValue],
    ]);
    return { configurable: { thread_id: thread, checkpoint_ns: ns, checkpoint_id: checkpoint.id } };
  }

  override async putWrites(config: RunnableConfig, writes: PendingWrite[], task: string): Promise<void> {
    const { thread, ns, id } = placeOf(config);
    const rows = await Promise.all(
      writes.map(async ([channel, written], index) => {
        const [type, value] = await this.serde.dumpsTyped(written);
        return [thread, ns, id, task, WRITES_IDX_MAP[channel] ?? index, channel, type, value];
      }),
    );
    // As in MemorySaver: special writes, whose index is negative, replace earlier ones. Others are kept.
    const replacing = rows.filter(([, , , , index]) => Number(index) < 0);
    this.#change('INSERT OR REPLACE INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?)', replacing);
    this.#change(
      'INSERT OR IGNORE INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      rows.filter((row) => !replacing.includes(row)),
    );
  }

  override async deleteThread(thread: string): Promise<void> {
    this.#change('DELETE FROM checkpoints WHERE thread = ?', [[thread]]);
    this.#change('DELETE FROM writes WHERE thread = ?', [[thread]]);
    return Promise.resolve();
  }

  #change(sql: string, rows: readonly (readonly (number | string | Uint8Array | null)[])[]): void {
    for (const row of rows) this.#database.run(sql, row);
    if (this.#file !== undefined && rows.length > 0) writeFileSync(this.#file, this.#database.export());
  }

  #rows(sql: string, parameters: readonly (string | null)[] = []): Row[] {
    const statement = this.#database.prepare(sql);
    try {
      statement.bind(parameters);
      const rows: Row[] = [];
      while (statement.step()) rows.push(statement.getAsObject());
      return rows;
    } finally {
      statement.free();
    }
  }

  async #tuple(row: Row): Promise<CheckpointTuple> {
    const { thread, ns, id, parent } = row;
    const configurable = { thread_id: thread, checkpoint_ns: ns };
    const load = async (type: string, value: string, from: Row): Promise<unknown> =>
      this.serde.loadsTyped(String(from[type]), bytes(from[value]));
    const writes = this.#rows(
      'SELECT * FROM writes WHERE thread = ? AND ns = ? AND checkpoint = ? ORDER BY task, idx',
      [String(thread), String(ns), String(id)],
    );
    return {
      config: { configurable: { ...configurable, checkpoint_id: id } },
      checkpoint: (await load('type', 'value', row)) as Checkpoint,
      metadata: (await load('metadata_type', 'metadata', row)) as CheckpointMetadata,
      ...(parent !== null && { parentConfig: { configurable: { ...configurable, checkpoint_id: parent } } }),
      pendingWrites: await Promise.all(
        writes.map(async (write): Promise<[string, string, unknown]> => [
          String(write['task']),
          String(write['channel']),
          await load('type', 'value', write),
        ]),
      ),
    };
  }
}

function placeOf({ configurable = {} }: RunnableConfig): { thread: string; ns: string; id: string | null } {
  const { thread_id: thread, checkpoint_ns: ns, checkpoint_id: id }: Record<string, unknown> = configurable;
  if (typeof thread !== 'string') throw new Error('The config has no thread_id.');
  return { thread, ns: typeof ns === 'string' ? ns : '', id: typeof id === 'string' ? id : null };
}

function bytes(value: Row[string] | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}
