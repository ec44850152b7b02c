import { z } from 'zod';
import { type SandboxTool, sandboxTool, ToolRefusal } from '../sandbox-tool.ts';
import { MAX_ROWS, type ReadOnlyDatabase } from './read-only-database.ts';
import { QueryRefused } from './select-only.ts';

export const DATABASE_READ = 'database:read';

const readOnly = { readOnlyHint: true, openWorldHint: false };

export function databaseTools(database: ReadOnlyDatabase): SandboxTool[] {
  return [
    sandboxTool({
      name: 'list_tables',
      scope: DATABASE_READ,
      title: 'List tables',
      description: 'Lists the tables of the sales database and how many rows each has.',
      input: {},
      output: { tables: z.array(z.object({ name: z.string(), rowCount: z.int() })) },
      annotations: readOnly,
      run: async () => ({ tables: await database.tables() }),
    }),
    sandboxTool({
      name: 'describe_table',
      scope: DATABASE_READ,
      title: 'Describe a table',
      description: 'Returns the columns of one table, their types, and the number of rows.',
      input: { table: z.string().min(1).max(100).describe('A name from list_tables') },
      output: {
        table: z.string(),
        columns: z.array(
          z.object({ name: z.string(), type: z.string(), nullable: z.boolean(), primaryKey: z.boolean() }),
        ),
        rowCount: z.int(),
      },
      annotations: readOnly,
      run: async ({ table }) => asToolRefusal(database.describe(table)),
    }),
    sandboxTool({
      name: 'query',
      scope: DATABASE_READ,
      title: 'Query the database',
      description: `Runs one read-only SELECT (SQLite dialect) on the sales database and returns at most ${MAX_ROWS} rows. Anything that writes is refused. Use list_tables and describe_table first.`,
      input: { sql: z.string().min(1).max(10_000).describe('One SELECT, WITH ... SELECT or VALUES statement') },
      output: {
        columns: z.array(z.string()),
        rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
        rowCount: z.int(),
        truncated: z.boolean().describe('True if rows or text were left out'),
      },
      annotations: readOnly,
      run: async ({ sql }) => asToolRefusal(database.query(sql)),
    }),
  ];
}

/** Turns a refused query into a tool result with the reason, so that the model can correct the query. */
async function asToolRefusal<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof QueryRefused) throw new ToolRefusal(error.message);
    throw error;
  }
}
