import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MAX_ROWS, openReadOnlyDatabase, type ReadOnlyDatabase } from './read-only-database.ts';
import { DATABASE_SEED } from './seed.ts';

let database: ReadOnlyDatabase;

beforeAll(async () => {
  database = await openReadOnlyDatabase(DATABASE_SEED);
});

afterAll(async () => {
  await database.close();
});

describe('openReadOnlyDatabase', () => {
  it('returns the columns and rows of a SELECT', async () => {
    await expect(database.query("SELECT sku, in_stock FROM products WHERE sku = 'HM-110'")).resolves.toEqual({
      columns: ['sku', 'in_stock'],
      rows: [['HM-110', 8]],
      rowCount: 1,
      truncated: false,
    });
  });

  it('keeps the order of ORDER BY, and accepts WITH, VALUES, comments and a trailing semicolon', async () => {
    const ordered = await database.query(
      'WITH p AS (SELECT sku, unit_price_cents AS price FROM products) SELECT sku FROM p ORDER BY price DESC; -- dearest first',
    );
    expect(ordered.rows.flat()).toEqual(['HM-300', 'HM-200', 'HM-100', 'HM-210', 'HM-110']);
    await expect(database.query('/* two */ VALUES (1), (2)')).resolves.toMatchObject({ rows: [[1], [2]] });
    await expect(database.query("SELECT ';' AS semicolon -- ;")).resolves.toMatchObject({ rows: [[';']] });
  });

  it.each([
    ['DELETE FROM orders', /read-only: DELETE/u],
    ["INSERT INTO customers VALUES (9, 'x', 'x', 'x')", /read-only: INSERT/u],
    ['UPDATE products SET in_stock = 0 RETURNING sku', /read-only: UPDATE/u],
    ['WITH x AS (SELECT 1) DELETE FROM orders', /read-only: WITH/u],
    ['-- harmless\nDROP TABLE orders', /read-only: DROP/u],
    ['CREATE TABLE t (a)', /read-only: CREATE/u],
    ["ATTACH 'other.db' AS other", /read-only: ATTACH/u],
    ['PRAGMA query_only = OFF', /read-only: PRAGMA/u],
    ['PRAGMA writable_schema = ON', /read-only: PRAGMA/u],
    ["VACUUM INTO 'copy.db'", /read-only: VACUUM/u],
    ['BEGIN', /read-only: BEGIN/u],
    ['SELECT 1; DELETE FROM orders', /one statement/u],
    ['SELECT 1); DELETE FROM orders; SELECT (1', /could not compile/u],
    ['SELECT * FROM nowhere', /no such table: nowhere/u],
    ["SELECT load_extension('x')", /no such function|not authorized/u],
    ['', /empty/u],
    [' -- nothing\n', /empty/u],
  ])('refuses %j', async (sql, why) => {
    await expect(database.query(sql)).rejects.toThrow(why);
    await expect(database.query('SELECT count(*) FROM orders')).resolves.toMatchObject({ rows: [[7]] });
  });

  it('truncates a large result, and marks it as truncated', async () => {
    const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n';
    const result = await database.query(numbers);
    expect(result).toMatchObject({ rowCount: MAX_ROWS, truncated: true });
    expect(result.rows.at(-1)).toEqual([MAX_ROWS]);
    await expect(database.query(`${numbers} LIMIT ${MAX_ROWS}`)).resolves.toMatchObject({ truncated: false });
  });

  it('truncates long text, replaces blobs by their size, and limits the text of the whole result', async () => {
    const long = await database.query("SELECT printf('%.*c', 100000, 'x') AS text, zeroblob(12) AS blob");
    expect(long.rows[0]?.[0]).toHaveLength(2_000);
    expect(long.rows[0]?.[1]).toBe('[12 bytes]');
    expect(long.truncated).toBe(true);
    const many = await database.query(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT printf('%.*c', 2000, 'x') FROM n",
    );
    expect(JSON.stringify(many).length).toBeLessThan(210_000);
    expect(many.truncated).toBe(true);
  });

  it('refuses a query that needs too much memory', async () => {
    await expect(database.query('SELECT length(randomblob(500000000))')).rejects.toThrow(/out of memory/u);
  });

  it('stops a query that does not end, and runs the next one', async () => {
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
    const [stopped, served] = await Promise.allSettled([database.query(endless), database.query('SELECT 1 AS one')]);
    expect(stopped).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('took longer') } });
    expect(served).toMatchObject({ status: 'fulfilled', value: { rows: [[1]] } });
  });

  it('lists tables, and describes the columns of a table', async () => {
    await expect(database.tables()).resolves.toEqual([
      { name: 'customers', rowCount: 4 },
      { name: 'order_lines', rowCount: 12 },
      { name: 'orders', rowCount: 7 },
      { name: 'products', rowCount: 5 },
    ]);
    await expect(database.describe('orders')).resolves.toMatchObject({
      rowCount: 7,
      columns: [
        { name: 'id', type: 'INTEGER', primaryKey: true },
        { name: 'customer_id', nullable: false },
        { name: 'ordered_on' },
        { name: 'status' },
      ],
    });
    await expect(database.describe("x'); DROP TABLE orders; --")).rejects.toThrow(/no such table/u);
  });

  it('rejects queries after it is closed', async () => {
    const other = await openReadOnlyDatabase('CREATE TABLE t (a)');
    await other.query('SELECT 1');
    await other.close();
    await expect(other.query('SELECT 1')).rejects.toThrow();
  });
});
