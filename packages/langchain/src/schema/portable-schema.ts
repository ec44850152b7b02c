import { isJsonObject, type JsonObject } from '@credence/protocol';
import { flatSchema, type FlatSchema, isList, listOf, mergedProperties } from './flat-schema.ts';
import { UnusableSchemaError } from './model-schema.ts';
import { notesOn } from './notes.ts';
import { portableNames } from './property-names.ts';

/** The maximum number of schemas, after references are replaced. */
const MAX_SCHEMAS = 10_000;
const MAX_DEPTH = 64;

/** The types of JSON that a provider takes. */
const TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array'] as const;
type Type = (typeof TYPES)[number];

/** A schema of parameters for a model, and the arguments of the model for the server. */
export interface PortableSchema {
  readonly schema: JsonObject;
  /** The number of schemas in it. */
  readonly values: number;
  /** Gives the arguments of a model the names that the server knows. */
  readonly restored: (args: unknown) => unknown;
}

/**
 * Simplifies a schema to what the providers of models accept for the parameters of a tool: OpenAI, Anthropic and Gemini each refuse
 * some of JSON Schema, and one refused tool makes the whole request fail.
 *
 * - The root is an object without `anyOf`, `oneOf`, `allOf`, `enum` and `not` (OpenAI, Anthropic). The properties of the alternatives are
 *   merged, and the description says which belong together.
 * - There are no references, also none to definitions, and no boolean schemas (Gemini). A recursion ends at its second level.
 * - Each schema has one `type`, or is nothing but an `anyOf` (Gemini). A list has `items`, and `required` names existing properties.
 * - Names of properties match `[A-Za-z_][A-Za-z0-9_.-]{0,63}` (Anthropic). `restored` gives the original ones back.
 * - `enum` has strings only, and `format` is `date-time` (Gemini). Other constraints become sentences of the description.
 *
 * The result accepts more than the original, with which the arguments are validated before a call. Throws an
 * {@link UnusableSchemaError} for a schema that becomes too large.
 */
export function portableSchema(schema: JsonObject): PortableSchema {
  const converter = new Converter(schema);
  const root = converter.root();
  return {
    schema: root,
    values: converter.values,
    restored: (args) => (converter.hasRenamed ? converter.restored(root, args) : args),
  };
}

class Converter {
  values = 0;
  hasRenamed = false;
  readonly #root: JsonObject;
  /** By the converted properties of an object: their original names, by their new names. */
  readonly #names = new WeakMap<JsonObject, ReadonlyMap<string, string>>();

  constructor(root: JsonObject) {
    this.#root = root;
  }

  root(): JsonObject {
    const flat = this.#flat(this.#root, new Set(['#']));
    const { keywords, note } = this.#withAlternatives(flat);
    return this.#object({ ...flat, keywords }, note === undefined ? [] : [note], 0);
  }

  restored(schema: JsonObject, value: unknown): unknown {
    const { anyOf, items, properties } = schema;
    if (isList(value)) {
      const entries = isJsonObject(items) ? items : this.#alternative(anyOf, (one) => 'items' in one)?.['items'];
      return isJsonObject(entries) ? value.map((entry) => this.restored(entries, entry)) : value;
    }
    if (!isJsonObject(value)) return value;
    const keys = Object.keys(value);
    if (!isJsonObject(properties)) {
      const fits = ({ properties: known }: JsonObject) =>
        isJsonObject(known) && keys.every((key) => Object.hasOwn(known, key));
      const chosen = this.#alternative(anyOf, fits) ?? this.#alternative(anyOf, (one) => 'properties' in one);
      return chosen ? this.restored(chosen, value) : value;
    }
    const names = this.#names.get(properties);
    return Object.fromEntries(
      Object.entries(value).map(([name, entry]) => {
        const inside = Object.hasOwn(properties, name) ? properties[name] : undefined;
        return [names?.get(name) ?? name, isJsonObject(inside) ? this.restored(inside, entry) : entry];
      }),
    );
  }

  #alternative(anyOf: unknown, fits: (schema: JsonObject) => boolean): JsonObject | undefined {
    return isList(anyOf) ? anyOf.filter(isJsonObject).find(fits) : undefined;
  }

  #flat(schema: unknown, refs: ReadonlySet<string>): FlatSchema {
    return flatSchema(schema, this.#root, refs, () => {
      this.values += 1;
      if (this.values > MAX_SCHEMAS) {
        throw new UnusableSchemaError(`has more than ${MAX_SCHEMAS} values when its references are replaced`);
      }
    });
  }

  /** The keywords of an object with the properties of its alternatives, and a sentence about them. */
  #withAlternatives({ keywords, unions, refs }: FlatSchema): { keywords: JsonObject; note: string | undefined } {
    let properties = isJsonObject(keywords['properties']) ? keywords['properties'] : {};
    const required = new Set(listOf(keywords['required'] ?? []));
    const sets: string[] = [];
    for (const union of unions) {
      const variants = union
        .map((variant) => this.#withAlternatives(this.#flat(variant, refs)).keywords)
        .filter(isObjectSchema);
      const lists = variants.map((variant) =>
        listOf(variant['required'] ?? []).filter((name) => typeof name === 'string'),
      );
      for (const { properties: more } of variants) {
        if (isJsonObject(more)) properties = mergedProperties(properties, more, 'anyOf');
      }
      const [first = [], ...others] = lists;
      for (const name of first) if (others.every((list) => list.includes(name))) required.add(name);
      if (lists.some((list) => list.length > 0)) sets.push(lists.map((list) => list.join(', ') || 'none').join(' | '));
    }
    return {
      keywords: { ...keywords, properties, required: [...required] },
      note: sets.length === 0 ? undefined : `Give the parameters of one of these sets: ${sets.join('; and: ')}.`,
    };
  }

  #converted(schema: unknown, refs: ReadonlySet<string>, depth: number): JsonObject {
    if (depth > MAX_DEPTH) throw new UnusableSchemaError(`is nested more than ${MAX_DEPTH} levels deep`);
    const flat = this.#flat(schema, refs);
    const types = typesOf(flat.keywords);
    const [type] = types;
    if (types.length === 1 && type !== undefined) return this.#ofType(type, flat, depth);
    if (types.length > 1) {
      const { description: _description, title: _title, ...others } = flat.keywords;
      const variants = types.map((one) => ({ ...others, type: one }));
      return this.#anyOf(variants, flat, depth, isNullable(flat));
    }
    const [union] = flat.unions;
    if (!union) return this.#anything(flat);
    const variants = union.filter((variant) => !isNull(variant));
    return this.#anyOf(variants, flat, depth, variants.length < union.length);
  }

  #ofType(type: Type, flat: FlatSchema, depth: number): JsonObject {
    const notes = isNullable(flat) ? ['May be null.'] : [];
    const { keywords } = flat;
    switch (type) {
      case 'object': {
        const { keywords: all, note } = this.#withAlternatives(flat);
        return this.#object({ ...flat, keywords: all }, note === undefined ? notes : [...notes, note], depth);
      }
      case 'array': {
        const { items, prefixItems } = keywords;
        const tuple = isList(items) ? items : isList(prefixItems) ? prefixItems : undefined;
        const entries = tuple ? { anyOf: tuple } : items;
        return {
          ...described(keywords, notes),
          type,
          items: this.#converted(entries, flat.refs, depth + 1),
          ...numbers(keywords, ['minItems', 'maxItems']),
        };
      }
      case 'string': {
        const { format, pattern } = keywords;
        const values = enumOf(keywords)?.filter((value) => typeof value === 'string' && value !== '');
        return {
          ...described(keywords, notes),
          type,
          ...(values && values.length > 0 && { enum: values }),
          ...(format === 'date-time' && { format }),
          ...(typeof pattern === 'string' && { pattern }),
          ...numbers(keywords, ['minLength', 'maxLength']),
        };
      }
      case 'number':
      case 'integer':
        return { ...described(keywords, notes), type, ...numbers(keywords, ['minimum', 'maximum']) };
      case 'boolean':
        return { ...described(keywords, notes), type };
    }
  }

  #object({ keywords, refs }: FlatSchema, notes: readonly string[], depth: number): JsonObject {
    const properties = isJsonObject(keywords['properties']) ? keywords['properties'] : {};
    // A schema that is `false` allows no value.
    const originals = Object.keys(properties).filter((name) => properties[name] !== false);
    const names = portableNames(originals);
    const converted = originals.map((original): [string, JsonObject] => {
      const name = names.get(original) ?? original;
      const schema = this.#converted(properties[original], refs, depth + 1);
      return [name, name === original ? schema : withNote(schema, `The server calls this parameter "${original}".`)];
    });
    const required = listOf(keywords['required'] ?? []).flatMap((name) => {
      const known = typeof name === 'string' ? names.get(name) : undefined;
      return known === undefined ? [] : [known];
    });
    const portable: JsonObject = Object.fromEntries(converted);
    const renamed = [...names].filter(([original, name]) => original !== name);
    if (renamed.length > 0) {
      this.hasRenamed = true;
      this.#names.set(portable, new Map(renamed.map(([original, name]) => [name, original])));
    }
    return {
      ...described(keywords, notes),
      type: 'object',
      properties: portable,
      ...(required.length > 0 && { required: [...new Set(required)] }),
    };
  }

  /** One of several schemas. The description belongs to them, because Gemini accepts nothing beside `anyOf`. */
  #anyOf(variants: readonly unknown[], flat: FlatSchema, depth: number, nullable: boolean): JsonObject {
    const notes = [flat.keywords['description'], ...(nullable ? ['May be null.'] : [])].filter(isText);
    const all = variants.map((variant) => this.#converted(variant, flat.refs, depth + 1));
    // An `anyOf` in an `anyOf` becomes a part of it.
    const listed = all.flatMap((one) => (isList(one['anyOf']) ? one['anyOf'].filter(isJsonObject) : [one]));
    const values = listed.map((one) => (one['type'] === 'string' && isList(one['enum']) ? one['enum'] : undefined));
    const isEnum = listed.length > 0 && values.every((list) => list !== undefined);
    if (isEnum) {
      const texts = listed.map(({ description, enum: list }) =>
        isText(description) ? `${listOf(list).join(', ')}: ${description}` : '',
      );
      return {
        ...described({}, [...notes, ...texts.filter(isText)]),
        type: 'string',
        enum: [...new Set(values.flat())],
      };
    }
    const [only, ...others] = new Map(listed.map((one) => [JSON.stringify(one), one])).values();
    if (only === undefined) return withNote(this.#anything(flat), ...notes);
    if (others.length === 0) return withNote(only, ...notes);
    return { anyOf: [withNote(only, ...notes), ...others] };
  }

  /** A schema for any value. */
  #anything({ keywords }: FlatSchema): JsonObject {
    const first = { ...described(keywords, []), type: 'string' };
    const list = { type: 'array', items: { type: 'string' } };
    const simple = [{ type: 'number' }, { type: 'boolean' }];
    return { anyOf: [first, ...simple, { type: 'object', properties: {} }, list] };
  }
}

function described(keywords: JsonObject, notes: readonly string[]): JsonObject {
  const texts = [keywords['description'] ?? keywords['title'], ...notes, ...notesOn(keywords)].filter(isText);
  return texts.length === 0 ? {} : { description: texts.join('\n') };
}

function withNote(schema: JsonObject, ...notes: readonly string[]): JsonObject {
  if (notes.length === 0) return schema;
  const { anyOf } = schema;
  const [first, ...others] = isList(anyOf) ? anyOf : [];
  if (isJsonObject(first)) return { ...schema, anyOf: [withNote(first, ...notes), ...others] };
  return { ...schema, description: [...notes, schema['description']].filter(isText).join('\n') };
}

function isObjectSchema(keywords: JsonObject): boolean {
  const types = typesOf(keywords);
  return types.length === 0 || types.includes('object');
}

/** The types of a schema without `null`: those that it names, or that its other keywords mean. */
function typesOf(keywords: JsonObject): readonly Type[] {
  const named = listOf(keywords['type']).filter(isType);
  if (named.length > 0) return [...new Set(named)];
  const values = enumOf(keywords);
  if (values) return [...new Set(values.map(typeOf).filter((type) => type !== undefined))];
  if (
    isJsonObject(keywords['properties']) ||
    isList(keywords['required']) ||
    isJsonObject(keywords['additionalProperties'])
  )
    return ['object'];
  if ('items' in keywords || 'prefixItems' in keywords) return ['array'];
  if ('pattern' in keywords || 'format' in keywords || 'minLength' in keywords || 'maxLength' in keywords)
    return ['string'];
  return 'minimum' in keywords || 'maximum' in keywords || 'multipleOf' in keywords ? ['number'] : [];
}

function typeOf(value: unknown): Type | undefined {
  if (isList(value)) return 'array';
  const type = Number.isInteger(value) ? 'integer' : typeof value;
  return value === null || !isType(type) ? undefined : type;
}

function isType(value: unknown): value is Type {
  return TYPES.some((type) => type === value);
}

function isNullable({ keywords, unions }: FlatSchema): boolean {
  return (
    listOf(keywords['type']).includes('null') || enumOf(keywords)?.includes(null) === true || unions.flat().some(isNull)
  );
}

function isNull(schema: unknown): boolean {
  return isJsonObject(schema) && (schema['type'] === 'null' || ('const' in schema && schema['const'] === null));
}

function enumOf(keywords: JsonObject): readonly unknown[] | undefined {
  if ('const' in keywords) return [keywords['const']];
  return isList(keywords['enum']) ? [...new Set(keywords['enum'])] : undefined;
}

function numbers(keywords: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => (typeof keywords[name] === 'number' ? [[name, keywords[name]] as const] : [])),
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
