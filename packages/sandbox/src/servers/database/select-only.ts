import type { Database } from 'sql.js';

/** Thrown for a query that is refused. The message is one sentence with the reason. */
export class QueryRefused extends Error {
  override readonly name = 'QueryRefused';
}

const COMMENTS = /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/gu;

/**
 * Wraps the caller's SQL in one SELECT with a limit of `maxRows + 1` rows. The additional row shows that the result is truncated.
 *
 * SQLite's parser checks the SQL, not a regular expression: the text must compile to exactly one statement, and that statement
 * must also compile as a subquery. SQL allows SELECT, VALUES and WITH ... SELECT as a subquery, but no statement that writes,
 * attaches a database or sets a pragma. This function only compiles the text and does not run it.
 *
 * @throws {QueryRefused} with SQLite's message if the text does not compile.
 */
export function selectOnly(database: Database, sql: string, maxRows: number): string {
  const statements = compileEach(database, sql);
  const [statement] = statements;
  if (statement === undefined) throw new QueryRefused('The query is empty. Send one SELECT statement.');
  if (statements.length > 1)
    throw new QueryRefused('Only one statement may be sent at a time. Send one SELECT statement.');

  const body = statement.trim().replace(/;$/u, '');
  const keyword = /^[a-z]+/iu.exec(body.replaceAll(COMMENTS, ' ').trim())?.[0].toUpperCase() ?? '';
  // the line break ends a trailing `--` comment, which would otherwise include the parenthesis
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

/** Returns the message of an error of sql.js, which throws both Error objects and plain strings. */
export function sqliteMessage(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 300);
}
