import { areEqual, equalityKey } from '../equality.ts';
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
  // Each type once: a list of thousands of names would be searched for every value.
  const names = new Set(isList(value) ? value : [value]);
  const types = [...(site.keyword('nullable') === true ? new Set([...names, 'null']) : names)].map((name) => {
    const is = TYPES.get(name);
    if (!is) throw new UnusableSchema('a type is none of those of JSON Schema');
    return is;
  });
  const [only] = types;
  const check = types.length === 1 && only ? only : (value: unknown) => types.some((is) => is(value));
  return { expects: `must be of type ${[...names].join(' or ')}`, check };
};

/** `enum`. Lists and objects are compared as texts, so that a long list does not make a validation slow. */
const enumeration: Keyword = (value) => {
  const allowed = listIn(value);
  const scalars = new Set(allowed.filter(isScalar));
  const others = allowed.filter((one) => !isScalar(one));
  // Most values have another size than all that are allowed, and need not be made a text.
  const sizes = new Set(others.map((one) => (isList(one) ? -1 - one.length : Object.keys(Object(one)).length)));
  let keys: ReadonlySet<string> | undefined;
  return {
    expects: 'must be one of the values that the schema lists',
    check(value, run) {
      if (typeof value === 'string') run.spend(value.length / 32);
      if (typeof value !== 'object' || value === null) return scalars.has(value);
      if (others.length === 0) return false;
      if (!sizes.has(isList(value) ? -1 - value.length : run.namesOf(value).length)) return false;
      keys ??= new Set(others.map((one) => equalityKey(one, run)));
      return keys.has(run.keyOf(value));
    },
  };
};

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

const constant: Keyword = (value) => ({
  expects: 'must be the value that the schema has in const',
  check: (instance, run) => areEqual(value, instance, run, (members) => run.namesOf(members)),
});

export const ANY_TYPE: Readonly<Record<string, Keyword>> = { type, enum: enumeration, const: constant };
