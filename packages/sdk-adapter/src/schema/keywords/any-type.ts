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
  const [only] = types;
  const check = types.length === 1 && only ? only : (value: unknown) => types.some((is) => is(value));
  return { expects: `must be of type ${names.join(' or ')}`, check };
};

/** `enum`. Lists and objects are compared as texts, so that a long list does not make a validation slow. */
const enumeration: Keyword = (value) => {
  const allowed = listIn(value);
  const scalars = new Set(allowed.filter(isScalar));
  const others = allowed.filter((one) => !isScalar(one));
  let keys: ReadonlySet<string> | undefined;
  return {
    expects: 'must be one of the values that the schema lists',
    check(value, run) {
      if (isScalar(value)) return scalars.has(value);
      if (others.length === 0) return false;
      keys ??= new Set(others.map((one) => equalityKey(one, run)));
      return keys.has(equalityKey(value, run));
    },
  };
};

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

const constant: Keyword = (value) => ({
  expects: 'must be the value that the schema has in const',
  check: (instance, run) => equalityKey(instance, run) === equalityKey(value, run),
});

export const ANY_TYPE: Readonly<Record<string, Keyword>> = { type, enum: enumeration, const: constant };
