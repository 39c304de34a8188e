-- SPDX-License-Identifier: Apache-2.0
-- A sample shop, about 300,000 rows. No random numbers: every machine gets the same shop.
\set ON_ERROR_STOP on
SET timezone = 'UTC';
BEGIN;

CREATE TYPE order_status AS ENUM ('new', 'paid', 'shipped', 'returned');
CREATE TYPE order_line AS (product_id int, quantity int, price numeric(10, 2));
CREATE DOMAIN email AS text CHECK (value LIKE '%@%');

CREATE TABLE customers (
    id int PRIMARY KEY,
    name text NOT NULL,
    email email NOT NULL,
    country char(2) NOT NULL,
    phones text[] NOT NULL,
    preferences jsonb,
    birthday date,
    signed_up timestamptz NOT NULL
);
COMMENT ON TABLE customers IS 'People who bought something, or might';
COMMENT ON COLUMN customers.country IS 'ISO 3166-1 alpha-2';

INSERT INTO customers
SELECT i,
       (ARRAY['Ana', 'Bo', 'Chloé', 'Dmitri', 'Ela', 'Femi', 'Gül', 'Hana', 'Iván', 'Jū'])[1 + i % 10]
           || ' ' || (ARRAY['Weiß', 'Nguyễn', 'O''Brien', 'Silva', 'Kowalski', 'Æsir', 'Smith'])[1 + i % 7],
       'customer' || i || '@example.com',
       (ARRAY['DE', 'VN', 'IE', 'BR', 'PL', 'IS', 'US', 'JP'])[1 + i % 8],
       CASE WHEN i % 4 = 0 THEN '{}'::text[] ELSE ARRAY['+49 30 ' || 100000 + i, '+1 555 ' || 200000 + i] END,
       CASE WHEN i % 3 > 0 THEN jsonb_build_object(
           'newsletter', i % 2 = 0, 'language', (ARRAY['de', 'vi', 'en', 'pt'])[1 + i % 4],
           'sizes', jsonb_build_array(36 + i % 10, 'M')) END,
       CASE WHEN i % 5 > 0 THEN DATE '1950-01-01' + (i * 37) % 20000 END,
       TIMESTAMPTZ '2023-01-01 00:00:00+00' + i * INTERVAL '43 minutes 17.25 seconds'
FROM generate_series(1, 20000) i;

CREATE TABLE products (
    id int PRIMARY KEY,
    sku uuid NOT NULL,
    name text NOT NULL,
    price numeric(10, 2) NOT NULL,
    weight_kg real,
    tags text[] NOT NULL,
    size numrange,
    photo bytea,
    opens_at time,
    guarantee interval
);
COMMENT ON COLUMN products.price IS 'In euros, with tax';

INSERT INTO products
SELECT i, md5('product ' || i)::uuid, 'Product ' || i, (i * 7919 % 100000) / 100.0, (i % 300) / 8.0,
       (ARRAY['new', 'sale', 'garden', 'kitchen', 'größer'])[1 + i % 3 : 2 + i % 4],
       CASE WHEN i % 2 = 0 THEN numrange(i % 10, i % 10 + 2.5) END,
       decode(md5(i::text), 'hex'), TIME '08:00' + (i % 8) * INTERVAL '30 minutes 0.5 seconds',
       (i % 5) * INTERVAL '1 year' + (i % 7) * INTERVAL '1 day'
FROM generate_series(1, 2000) i;

CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id int NOT NULL REFERENCES customers,
    status order_status NOT NULL,
    lines order_line[] NOT NULL,
    total numeric(12, 2) NOT NULL,
    exchange_rate numeric,
    ordered_at timestamptz NOT NULL,
    deliver_on timestamp,
    note varchar(200)
);
COMMENT ON COLUMN orders.deliver_on IS 'Wall clock of the customer';

INSERT INTO orders
SELECT i, 1 + i * 31 % 20000, (enum_range(NULL::order_status))[1 + i % 4], lines.lines, lines.total,
       1 + (i % 1000) / 1234.5,
       TIMESTAMPTZ '2024-01-01 00:00:00+01' + i * INTERVAL '6 minutes 34.000123 seconds',
       CASE WHEN i % 3 > 0 THEN TIMESTAMP '2024-01-03 10:00' + (i / 200) * INTERVAL '1 day' END,
       CASE WHEN i % 10 = 0 THEN E'Please ring twice;\n"back door", thanks' END
FROM generate_series(1, 80000) i
CROSS JOIN LATERAL (
    SELECT array_agg(ROW(p.id, 1 + (i + n) % 3, p.price)::order_line ORDER BY n) AS lines,
           sum(p.price * (1 + (i + n) % 3)) AS total
    FROM generate_series(1, 1 + i % 3) n JOIN products p ON p.id = 1 + (i * 17 + n * 101) % 2000
) lines;

CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY,
    happened_at timestamptz NOT NULL,
    customer_id int,
    kind text NOT NULL,
    source inet,
    payload jsonb NOT NULL
);

INSERT INTO events (happened_at, customer_id, kind, source, payload)
SELECT TIMESTAMPTZ '2024-06-01 00:00:00+00' + i * INTERVAL '12.345678 seconds',
       CASE WHEN i % 6 > 0 THEN 1 + i * 13 % 20000 END,
       (ARRAY['view', 'view', 'search', 'cart', 'checkout'])[1 + i % 5],
       ('10.' || i / 65536 || '.' || i / 256 % 256 || '.' || i % 256)::inet,
       jsonb_build_object('page', '/products/' || 1 + i % 2000, 'ms', i % 997, 'ratio', (i % 100) / 100.0,
                          'tags', to_jsonb(ARRAY['a', 'b'])) ||
           CASE WHEN i % 5 = 2 THEN jsonb_build_object('query', 'gift für ' || i % 50) ELSE '{}' END
FROM generate_series(1, 200000) i;

CREATE VIEW best_customers AS
SELECT c.id, c.name, c.country, count(*) AS orders, sum(o.total) AS spent
FROM customers c JOIN orders o ON o.customer_id = c.id
GROUP BY c.id ORDER BY spent DESC LIMIT 100;

COMMIT;
ANALYZE;
