-- SPDX-License-Identifier: Apache-2.0
-- Types that types.txt uses beside the built-in ones.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'very "odd", label', 'größer', '');
CREATE TYPE pair AS (a int, b text, c numeric(10,2));
CREATE TYPE outer_pair AS (id bigint, inner_pair pair, tags text[], moment timestamp);
CREATE TYPE with_pairs AS (pairs pair[]);
CREATE TYPE shrunk AS (a int, gone text, b int);
ALTER TYPE shrunk DROP ATTRIBUTE gone;
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN small_positive AS positive CHECK (value < 100);
CREATE DOMAIN price AS numeric(10,2) NOT NULL;
CREATE DOMAIN cheap_price AS price;
CREATE DOMAIN int_list AS int[];
CREATE DOMAIN price_list AS price[];
CREATE DOMAIN mood_domain AS mood;
CREATE DOMAIN pair_domain AS pair;
CREATE DOMAIN json_domain AS jsonb;
CREATE TYPE float_range AS RANGE (subtype = float8);
CREATE TYPE text_range AS RANGE (subtype = text);
CREATE DOMAIN int_row AS int[];
CREATE DOMAIN past AS date CHECK (value < DATE '2100-01-01' OR value = 'infinity');
CREATE TYPE with_text_only AS (a int, words tsvector, span int4range);
CREATE TYPE with_odd_names AS ("a b" int, "A B" int);
CREATE TYPE empty_row AS ();
CREATE TYPE stamped AS (moment timestamptz, clock timestamp, amount numeric, doc jsonb, raw bytea);
