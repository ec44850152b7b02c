import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type JsonObject } from '@credence/protocol';
import { UnusableSchemaError } from './model-schema.ts';

/** How many references may lead to each other. */
const MAX_REFS = 64;

/** A schema without references and `allOf`. */
export interface FlatSchema {
  readonly keywords: JsonObject;
  /** The lists of `anyOf` and `oneOf`: a value fits an entry of each list. */
  readonly unions: readonly (readonly unknown[])[];
  /** The references that were replaced, here and above. */
  readonly refs: ReadonlySet<string>;
}

const MIN_KEYWORDS: ReadonlySet<string> = new Set(['minimum', 'minLength', 'minItems']);
const MAX_KEYWORDS: ReadonlySet<string> = new Set(['maximum', 'maxLength', 'maxItems']);
const RESOLVED: ReadonlySet<string> = new Set(['$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'then', 'else', 'not']);

/**
 * Replaces the references of a schema by their targets and merges `allOf`, at this level only. A reference that leads back to a schema
 * that contains it is left out. `then` and `else` give their properties, none of them required. Calls `count` for each schema.
 */
export function flatSchema(
  schema: unknown,
  root: JsonObject,
  refs: ReadonlySet<string>,
  count: () => void,
): FlatSchema {
  count();
  if (refs.size > MAX_REFS)
    throw new UnusableSchemaError(`has references that lead to each other more than ${MAX_REFS} times`);
  if (!isJsonObject(schema)) return { keywords: {}, unions: [], refs };
  const own = Object.fromEntries(Object.entries(schema).filter(([keyword]) => !RESOLVED.has(keyword)));
  let flat: FlatSchema = { keywords: own, unions: [schema['anyOf'], schema['oneOf']].filter(isList), refs };
  const add = (part: unknown) => {
    const { keywords, unions, refs: more } = flatSchema(part, root, flat.refs, count);
    flat = { keywords: merged(flat.keywords, keywords), unions: [...flat.unions, ...unions], refs: more };
  };
  const { $ref, allOf } = schema;
  if (typeof $ref === 'string') {
    const target = pointedAt(root, $ref);
    if (refs.has($ref)) flat = { ...flat, keywords: merged(own, typeOnly(target)) };
    else {
      flat = { ...flat, refs: new Set([...refs, $ref]) };
      add(target);
    }
  }
  for (const part of isList(allOf) ? allOf : []) add(part);
  for (const part of [schema['then'], schema['else']]) {
    if (isJsonObject(part) && isJsonObject(part['properties'])) add({ properties: part['properties'] });
  }
  return flat;
}

/** The schema that fits what fits both. Contradictions do not matter: arguments are validated with the original schema. */
export function merged(a: JsonObject, b: JsonObject): JsonObject {
  const result: Record<string, unknown> = { ...a };
  for (const [keyword, value] of Object.entries(b)) {
    const known = Object.hasOwn(result, keyword) ? result[keyword] : undefined;
    result[keyword] = known === undefined ? value : both(keyword, known, value);
  }
  return result;
}

function both(keyword: string, a: unknown, b: unknown): unknown {
  if (isDeepStrictEqual(a, b)) return a;
  if (keyword === 'properties' && isJsonObject(a) && isJsonObject(b)) return mergedProperties(a, b, 'allOf');
  if (keyword === 'required' && isList(a) && isList(b)) return [...new Set([...a, ...b])];
  if (keyword === 'items') return { allOf: [a, b] };
  if (typeof a === 'number' && typeof b === 'number') {
    if (MIN_KEYWORDS.has(keyword)) return Math.max(a, b);
    if (MAX_KEYWORDS.has(keyword)) return Math.min(a, b);
  }
  if (keyword === 'type' || keyword === 'enum') {
    const [left, right] = [listOf(a), listOf(b)];
    const texts = new Set(right.map((value) => JSON.stringify(value)));
    const common = left.filter((value) => texts.has(JSON.stringify(value)));
    return common.length > 0 ? common : a;
  }
  return a;
}

/** The properties of both. A property of both fits both schemas (`allOf`) or one of them (`anyOf`). */
export function mergedProperties(a: JsonObject, b: JsonObject, how: 'allOf' | 'anyOf'): JsonObject {
  const merged = new Map(Object.entries(a));
  for (const [name, schema] of Object.entries(b)) {
    const known = merged.get(name);
    if (known === undefined || isDeepStrictEqual(known, schema)) merged.set(name, schema);
    else {
      // A property of many alternatives gets one list, not a list in a list.
      const made = isJsonObject(known) ? lists.get(known) : undefined;
      const list = [...(made?.how === how ? made.list : [known]), schema];
      const grown: JsonObject = { [how]: list };
      lists.set(grown, { how, list });
      merged.set(name, grown);
    }
  }
  return Object.fromEntries(merged);
}

/** The lists that {@link mergedProperties} has made. */
const lists = new WeakMap<JsonObject, { how: 'allOf' | 'anyOf'; list: readonly unknown[] }>();

/** What a JSON pointer of this schema (RFC 6901) leads to. */
export function pointedAt(root: JsonObject, reference: string): unknown {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let target: unknown = root;
  for (const part of reference.slice(2).split('/')) {
    const name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof target !== 'object' || target === null || !Object.hasOwn(target, name)) return undefined;
    target = (target as Readonly<Record<string, unknown>>)[name];
  }
  return target;
}

/** The reference of a recursion is replaced by the type of its target. */
function typeOnly(target: unknown): JsonObject {
  const { type } = isJsonObject(target) ? target : {};
  return { type: type ?? 'object' };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

export function listOf(value: unknown): readonly unknown[] {
  return isList(value) ? value : [value];
}
