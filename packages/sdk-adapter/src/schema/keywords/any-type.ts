import { equalityKey } from '../equality.ts';
import { isList, isMembers } from '../json-value.ts';
import type { Keyword } from '../site.ts';
import { UnusableSchema } from '../unusable-schema.ts';
import { listIn } from './values.ts';

const TYPES: ReadonlyMap<unknown, (value: unknown) => boolean> = new Map<unknown, (value: unknown) => boolean>([
  ['string', (value) => typeof value === 'string'],
  ['number', (value) => typeof value === 'number'],
  ['integer', (value) => Number.isInteger(value)],
  ['boolean', (value) => typeof value === 'boolean'],
  ['null', (value) => value === null],
  ['array', isList],
  ['object', isMembers],
]);

/** `type`. `nullable: true` (OpenAPI 3.0) adds `null`, as in ajv. */
const type: Keyword = (value, site) => {
  const names = isList(value) ? value : [value];
  const types = (site.keyword('nullable') === true ? [...names, 'null'] : names).map((name) => {
    const is = TYPES.get(name);
    if (!is) throw new UnusableSchema('a type is none of those of JSON Schema');
    return is;
  });
  return { expects: `must be of type ${names.join(' or ')}`, check: (value) => types.some((is) => is(value)) };
};

/** `enum`. The values are compared as texts, so that a long list does not make a validation slow. */
const enumeration: Keyword = (value) => {
  const allowed = listIn(value);
  let keys: ReadonlySet<string> | undefined;
  return {
    expects: 'must be one of the values that the schema lists',
    check(value, run) {
      if (!keys) {
        const found = new Set<string>();
        for (const one of allowed) found.add(equalityKey(one, run));
        keys = found;
      }
      return keys.has(equalityKey(value, run));
    },
  };
};

const constant: Keyword = (value) => ({
  expects: 'must be the value that the schema has in const',
  check: (instance, run) => equalityKey(instance, run) === equalityKey(value, run),
});

export const ANY_TYPE: Readonly<Record<string, Keyword>> = { type, enum: enumeration, const: constant };
