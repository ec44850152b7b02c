/** Types of the parts of sql.js that the sandbox and the tests use; sql.js contains no types. */
declare module 'sql.js' {
  export type SqlValue = number | string | Uint8Array | null;

  export interface Statement {
    /** The text of the statement, with its semicolon. */
    getSQL(): string;
    getColumnNames(): string[];
    bind(params: readonly SqlValue[]): boolean;
    /** Whether there is another row, which `getAsObject` returns. */
    step(): boolean;
    getAsObject(): Record<string, SqlValue>;
    free(): boolean;
  }

  export interface Database {
    run(sql: string, params?: readonly SqlValue[]): Database;
    /** Compiles the first statement of `sql`; throws an error with SQLite's message if it does not compile. */
    prepare(sql: string): Statement;
    /** Compiles one statement after the other, without running any. */
    iterateStatements(sql: string): Iterable<Statement>;
    export(): Uint8Array;
    close(): void;
  }

  export interface SqlJs {
    Database: new (data?: Uint8Array) => Database;
  }

  export default function initSqlJs(): Promise<SqlJs>;
}
