/**
 * The sales data of Halden & Moor, an invented maker of weather stations. Issue H-104 and the document "inventory-policy" refer
 * to the same products.
 */
export const DATABASE_SEED = `
CREATE TABLE products (
  sku TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  unit_price_cents INTEGER NOT NULL,
  in_stock INTEGER NOT NULL
);
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  country TEXT NOT NULL,
  since TEXT NOT NULL
);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  ordered_on TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('open', 'shipped', 'returned'))
);
CREATE TABLE order_lines (
  order_id INTEGER NOT NULL REFERENCES orders (id),
  sku TEXT NOT NULL REFERENCES products (sku),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (order_id, sku)
);
INSERT INTO products VALUES
  ('HM-100', 'Ridge weather station', 24900, 42),
  ('HM-110', 'Ridge anemometer', 7900, 8),
  ('HM-200', 'Fen river gauge', 51900, 15),
  ('HM-210', 'Fen solar panel', 11900, 0),
  ('HM-300', 'Harbour tide sensor', 68900, 6);
INSERT INTO customers VALUES
  (1, 'Norrby Water Board', 'SE', '2021-03-02'),
  (2, 'Alm Valley Vineyards', 'AT', '2022-06-14'),
  (3, 'Port of Skagvik', 'NO', '2020-11-23'),
  (4, 'Lindau Alpine Rescue', 'DE', '2024-01-09');
INSERT INTO orders VALUES
  (5001, 1, '2026-07-06', 'shipped'),
  (5002, 2, '2026-07-21', 'shipped'),
  (5003, 3, '2026-08-03', 'returned'),
  (5004, 4, '2026-08-17', 'shipped'),
  (5005, 1, '2026-09-08', 'shipped'),
  (5006, 3, '2026-09-30', 'open'),
  (5007, 2, '2026-10-02', 'open');
INSERT INTO order_lines VALUES
  (5001, 'HM-200', 4), (5001, 'HM-210', 4),
  (5002, 'HM-100', 6), (5002, 'HM-110', 6),
  (5003, 'HM-300', 2),
  (5004, 'HM-100', 3),
  (5005, 'HM-200', 2), (5005, 'HM-210', 2),
  (5006, 'HM-300', 3), (5006, 'HM-110', 1),
  (5007, 'HM-100', 2), (5007, 'HM-210', 2);
`;
