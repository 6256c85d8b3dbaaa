-- Functions that SQLite has, so that one text of a statement serves both.
create function instr(said text, part text) returns bigint language sql immutable parallel safe
  return cast(strpos(said, part) as bigint);
create function json_each(doc text) returns table (value text) language sql immutable parallel safe
  as 'select jsonb_array_elements_text(cast(doc as jsonb))';
create function json_extract(doc text, path text) returns text language sql immutable parallel safe
  return jsonb_path_query_first(cast(doc as jsonb), cast(path as jsonpath)) #>> '{}';
create function json_of_texts(found text[]) returns text language sql immutable parallel safe
  return coalesce(cast(to_json(array_remove(found, null)) as text), '[]');
create aggregate json_group_array(text) (sfunc = array_append, stype = text[], initcond = '{}', finalfunc = json_of_texts);

-- A number that is given at the insert and seen at the commit would let figures pass over charges that were committed
-- late. So charges that are not counted yet wait here, without an index, and counting takes them away.
create table charges_uncounted (
  number bigint generated always as identity,
  agent text collate "C" not null,
  at bigint not null,
  unit text collate "C" not null,
  kind text collate "C" not null,
  source text collate "C" not null,
  amount bigint not null,
  priced bigint not null,
  input_tokens bigint not null,
  output_tokens bigint not null
);
