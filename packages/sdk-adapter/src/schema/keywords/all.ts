import type { Dialect } from '../dialect.ts';
import type { JsonMembers, Keyword } from '../site.ts';
import { ANY_TYPE } from './any-type.ts';
import { ARRAYS, UNEVALUATED_ITEMS } from './arrays.ts';
import { COMBINING } from './combining.ts';
import { NUMBERS } from './numbers.ts';
import { OBJECTS, UNEVALUATED_PROPERTIES } from './objects.ts';
import { DYNAMIC_REFERENCES, REFERENCE } from './references.ts';
import { STRINGS } from './strings.ts';

const ORDERED: ReadonlyMap<string, Keyword> = new Map(
  Object.entries({
    ...ANY_TYPE,
    ...NUMBERS,
    ...STRINGS,
    ...OBJECTS,
    ...ARRAYS,
    $ref: REFERENCE,
    ...DYNAMIC_REFERENCES,
    ...COMBINING,
    // They need what all others have evaluated.
    unevaluatedItems: UNEVALUATED_ITEMS,
    unevaluatedProperties: UNEVALUATED_PROPERTIES,
  }),
);

const NOT_IN_DRAFT_07 = new Set([
  'prefixItems',
  'dependentRequired',
  'dependentSchemas',
  '$dynamicRef',
  '$recursiveRef',
  'unevaluatedItems',
  'unevaluatedProperties',
]);

const POSITIONS: ReadonlyMap<string, number> = new Map([...ORDERED.keys()].map((name, position) => [name, position]));

/**
 * The keywords in a schema, in the order in which they are evaluated. Keywords that a later draft has dropped (`dependencies`, `items`
 * with a list) are evaluated in every draft, because servers use them without a `$schema`.
 */
export function keywordsIn(schema: JsonMembers, dialect: Dialect): readonly (readonly [string, Keyword])[] {
  return Object.keys(schema)
    .flatMap((name) => {
      const keyword = ORDERED.get(name);
      if (!keyword || (dialect === 'draft-07' && NOT_IN_DRAFT_07.has(name))) return [];
      return [[name, keyword] as const];
    })
    .sort(([a], [b]) => (POSITIONS.get(a) ?? 0) - (POSITIONS.get(b) ?? 0));
}
