import initSqlJs, { type Database } from 'sql.js';
import { QueryWorker, type ResultSet } from './query-worker.ts';
import { selectOnly } from './select-only.ts';

export const MAX_ROWS = 200;
const MAX_TEXT = 2_000;
const MAX_TOTAL_TEXT = 200_000;
const TIMEOUT_MS = 2_000;

export type Cell = string | number | null;

export interface QueryResult {
  columns: string[];
  rows: Cell[][];
  rowCount: number;
  /** True if rows or text were left out because a limit was reached. */
  truncated: boolean;
}

export interface TableDescription {
  table: string;
  columns: { name: string; type: string; nullable: boolean; primaryKey: boolean }[];
  rowCount: number;
}

/** A SQLite database that runs only SELECT statements, within limits on rows, text, memory and time. */
export interface ReadOnlyDatabase {
  tables(): Promise<{ name: string; rowCount: number }[]>;
  /** @throws {QueryRefused} for a table that does not exist. */
  describe(table: string): Promise<TableDescription>;
  /** @throws {QueryRefused} for anything that is not one SELECT, does not compile, or takes too long. */
  query(sql: string): Promise<QueryResult>;
  close(): Promise<void>;
}

/** Creates the database by running `seedSql` once. After that it is read-only. */
export async function openReadOnlyDatabase(seedSql: string): Promise<ReadOnlyDatabase> {
  const { Database } = await initSqlJs();
  const parser: Database = new Database();
  parser.run(seedSql);
  const worker = new QueryWorker(parser.export(), TIMEOUT_MS);

  const query = async (sql: string, maxRows = MAX_ROWS): Promise<QueryResult> =>
    limit(await worker.run(selectOnly(parser, sql, maxRows)), maxRows);

  const tables = async () => {
    const { rows } = await query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    const names = rows.map(([name]) => String(name));
    return Promise.all(names.map(async (name) => ({ name, rowCount: await countRows(name) })));
  };
  const countRows = async (table: string) => {
    const { rows } = await query(`SELECT count(*) FROM "${table.replaceAll('"', '""')}"`);
    return Number(rows[0]?.[0] ?? 0);
  };

  return {
    tables,
    query: async (sql) => query(sql),
    async describe(table) {
      const name = table.replaceAll("'", "''");
      const { rows } = await query(`SELECT name, type, "notnull", pk FROM pragma_table_info('${name}') ORDER BY cid`);
      const rowCount = await countRows(table);
      return {
        table,
        columns: rows.map(([column, type, notNull, primaryKey]) => ({
          name: String(column),
          type: String(type),
          nullable: notNull === 0 && primaryKey === 0,
          primaryKey: primaryKey !== 0,
        })),
        rowCount,
      };
    },
    async close() {
      await worker.close();
      parser.close();
    },
  };
}

function limit(result: ResultSet, maxRows: number): QueryResult {
  let room = MAX_TOTAL_TEXT;
  let truncated = result.values.length > maxRows;
  const cell = (value: ResultSet['values'][number][number]): Cell => {
    if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
    if (typeof value !== 'string') return value;
    room -= Math.min(value.length, MAX_TEXT);
    if (value.length <= MAX_TEXT) return value;
    truncated = true;
    return `${value.slice(0, MAX_TEXT - 1)}…`;
  };
  const rows: Cell[][] = [];
  for (const row of result.values.slice(0, maxRows)) {
    if (room < 0) {
      truncated = true;
      break;
    }
    rows.push(row.map(cell));
  }
  return { columns: result.columns, rows, rowCount: rows.length, truncated };
}
