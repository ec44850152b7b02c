import type { Database } from 'sql.js';

/** A query that was not run, with the sentence that says why. */
export class QueryRefused extends Error {
  override readonly name = 'QueryRefused';
}

const COMMENTS = /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/gu;

/**
 * One SELECT made out of a caller's text, limited to `maxRows + 1` rows so that a cut can be told from an end.
 *
 * SQLite's own parser judges, not a pattern: the text must compile to exactly one statement, and that statement must
 * also compile as a subquery, which the grammar allows for SELECT, VALUES and WITH ... SELECT and for nothing that
 * writes, attaches or sets a pragma. Nothing is run.
 *
 * @throws {QueryRefused} with SQLite's message where the text does not compile.
 */
export function selectOnly(database: Database, sql: string, maxRows: number): string {
  const statements = compileEach(database, sql);
  const [statement] = statements;
  if (statement === undefined) throw new QueryRefused('The query is empty. Send one SELECT statement.');
  if (statements.length > 1)
    throw new QueryRefused('Only one statement may be sent at a time. Send one SELECT statement.');

  const body = statement.trim().replace(/;$/u, '');
  const keyword = /^[a-z]+/iu.exec(body.replaceAll(COMMENTS, ' ').trim())?.[0].toUpperCase() ?? '';
  // The line break keeps a trailing comment from swallowing the parenthesis.
  const limited = `SELECT * FROM (\n${body}\n) LIMIT ${maxRows + 1}`;
  try {
    database.prepare(limited).free();
  } catch {
    throw new QueryRefused(
      `This database is read-only: ${keyword || 'this'} is not allowed. Send one SELECT (or WITH ... SELECT) statement.`,
    );
  }
  return limited;
}

function compileEach(database: Database, sql: string): string[] {
  const found: string[] = [];
  try {
    for (const statement of database.iterateStatements(sql)) found.push(statement.getSQL());
  } catch (error) {
    throw new QueryRefused(`SQLite could not compile the query: ${sqliteMessage(error)}.`, { cause: error });
  }
  return found;
}

/** sql.js throws errors and, from some places, bare strings. */
export function sqliteMessage(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 300);
}
