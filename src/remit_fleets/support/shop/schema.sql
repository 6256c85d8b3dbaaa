-- The invented shop. Money is whole cents; dates are ISO dates, '' where there is none.
CREATE TABLE made (seed INTEGER NOT NULL, customers INTEGER NOT NULL);

CREATE TABLE customers (
  customer_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  street TEXT NOT NULL,
  city TEXT NOT NULL,
  postcode TEXT NOT NULL,
  country TEXT NOT NULL,
  language TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'locked', 'closed')),
  two_factor INTEGER NOT NULL,
  flagged INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE orders (
  order_id TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('processing', 'shipped', 'delivered', 'cancelled')),
  placed_on TEXT NOT NULL,
  promised_on TEXT NOT NULL,
  delivered_on TEXT NOT NULL,
  tracking TEXT NOT NULL,
  note TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX orders_of ON orders (customer_id);

CREATE TABLE items (
  order_id TEXT NOT NULL,
  sku TEXT NOT NULL,
  line INTEGER NOT NULL,
  name TEXT NOT NULL,
  price INTEGER NOT NULL,
  quantity INTEGER NOT NULL,
  is_returned INTEGER NOT NULL,
  is_missing INTEGER NOT NULL,
  PRIMARY KEY (order_id, sku)
) WITHOUT ROWID;

CREATE TABLE payments (
  order_id TEXT NOT NULL,
  payment_id TEXT NOT NULL,
  amount INTEGER NOT NULL,
  method TEXT NOT NULL,
  PRIMARY KEY (order_id, payment_id)
) WITHOUT ROWID;

CREATE TABLE refunds (
  order_id TEXT NOT NULL,
  refund_id TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  reason TEXT NOT NULL,
  sku TEXT NOT NULL,
  refunded_on TEXT NOT NULL,
  PRIMARY KEY (order_id, refund_id)
) WITHOUT ROWID;

-- Who wrote, as the sender was known then: an account may have another address afterwards.
CREATE TABLE tickets (
  ticket TEXT PRIMARY KEY,
  sender TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL
) WITHOUT ROWID;

-- What was done, one row for each write that had an effect, and what it answered, in case it is asked again.
CREATE TABLE effects (
  number INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  task TEXT NOT NULL,
  run TEXT NOT NULL,
  step INTEGER NOT NULL,
  actor TEXT NOT NULL,
  tool TEXT NOT NULL,
  ticket TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  order_id TEXT NOT NULL,
  amount INTEGER,
  arguments TEXT NOT NULL,
  result TEXT NOT NULL
);
CREATE INDEX effects_of_task ON effects (task);
CREATE INDEX effects_of_customer ON effects (customer_id);

-- What of an account was changed, so that it can be changed back: columns with their values, as JSON.
CREATE TABLE IF NOT EXISTS changes (
  change_id TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL
) WITHOUT ROWID;

-- Lock -> the highest fencing number seen.
CREATE TABLE fences (lock TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;

-- What goes wrong on purpose, until when (microseconds).
CREATE TABLE faults (kind TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
