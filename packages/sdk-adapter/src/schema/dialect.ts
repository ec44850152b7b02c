import { UnusableSchema } from './unusable-schema.ts';

/** The drafts of JSON Schema that are supported. Draft 6 is evaluated as draft 7, which only adds keywords. */
export type Dialect = '2020-12' | '2019-09' | 'draft-07';

const DIALECTS: ReadonlyMap<string, Dialect> = new Map([
  ['json-schema.org/draft/2020-12/schema', '2020-12'],
  ['json-schema.org/draft/2019-09/schema', '2019-09'],
  ['json-schema.org/draft-07/schema', 'draft-07'],
  ['json-schema.org/draft-06/schema', 'draft-07'],
]);

/** The draft that `$schema` names. Without it the draft is 2020-12 (MCP 2025-11-25). `$schema` is compared and never fetched. */
export function dialectOf(name: unknown): Dialect {
  if (name === undefined) return '2020-12';
  const dialect = typeof name === 'string' && DIALECTS.get(name.replace(/^https?:\/\//u, '').replace(/#$/u, ''));
  if (!dialect) throw new UnusableSchema('its $schema names a draft that is not supported');
  return dialect;
}
