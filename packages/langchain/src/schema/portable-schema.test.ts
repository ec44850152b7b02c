import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@credence/protocol';
import { argumentsChecker } from './arguments-checker.ts';
import { modelSchema, UnusableSchemaError } from './model-schema.ts';
import { portableSchema } from './portable-schema.ts';

type Schema = Record<string, unknown>;
const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What OpenAI refuses in the parameters of a function. */
function refusedByOpenAi(schema: Schema): string[] {
  const root = ['anyOf', 'oneOf', 'allOf', 'enum', 'not'].filter((keyword) => keyword in schema);
  return [
    ...(schema['type'] === 'object' ? [] : ['the root is no object']),
    ...root.map((keyword) => `${keyword} at the root`),
    ...inside(schema).flatMap((one) =>
      one['type'] === 'array' && !isSchema(one['items']) ? ['a list without items'] : [],
    ),
    ...unresolved(schema),
  ];
}

/** What Anthropic refuses in an input schema. */
function refusedByAnthropic(schema: Schema): string[] {
  const names = inside(schema).flatMap(({ properties }) => Object.keys(isSchema(properties) ? properties : {}));
  return [
    ...(schema['type'] === 'object' ? [] : ['the root is no object']),
    ...['anyOf', 'oneOf', 'allOf'].filter((keyword) => keyword in schema),
    ...names.filter((name) => !/^[a-zA-Z0-9_.-]{1,64}$/u.test(name)).map((name) => `the name ${name}`),
    ...unresolved(schema),
  ];
}

/** The members of `Schema` of the Gemini API. */
const GEMINI = new Set(
  'type format title description nullable enum maxItems minItems properties required minProperties maxProperties minLength maxLength pattern anyOf items minimum maximum'.split(
    ' ',
  ),
);

/** What Gemini refuses in the parameters of a function declaration. */
function refusedByGemini(schema: Schema): string[] {
  return inside(schema).flatMap((one) => {
    const { type, anyOf, enum: values, properties, required, items, format } = one;
    const faults = Object.keys(one).filter((keyword) => !GEMINI.has(keyword));
    if (Array.isArray(anyOf)) return Object.keys(one).length > 1 ? [...faults, 'more than anyOf'] : faults;
    if (typeof type !== 'string') faults.push('no single type');
    if (Array.isArray(values) && (type !== 'string' || !values.every((value) => typeof value === 'string' && value)))
      faults.push('an enum of something else than texts');
    if (type === 'array' && !isSchema(items)) faults.push('a list without items');
    if (type === 'string' && format !== undefined && format !== 'date-time') faults.push('a format');
    const known = Object.keys(isSchema(properties) ? properties : {});
    if (Array.isArray(required) && !required.every((name) => known.includes(String(name)))) faults.push('required');
    return faults;
  });
}

/** A schema and all schemas inside it. */
function inside(schema: unknown): Schema[] {
  if (!isSchema(schema)) return [{ boolean: schema }];
  const { properties, items, anyOf } = schema;
  const parts = [
    ...Object.values(isSchema(properties) ? properties : {}),
    ...(items === undefined ? [] : [items]),
    ...(Array.isArray(anyOf) ? anyOf : []),
  ];
  return [schema, ...parts.flatMap(inside)];
}

function unresolved(schema: Schema): string[] {
  return /"\$(?:ref|defs)"|"definitions"/u.exec(JSON.stringify(schema)) ? ['a reference'] : [];
}

const object = (properties: object, more: object = {}): JsonObject => ({ type: 'object', properties, ...more });

// oxlint-disable-next-line unicorn/no-thenable -- the name of a keyword
const THEN = 'then';

/** Schemas of servers, each of a kind that some provider refuses. */
const SHAPES: readonly [string, JsonObject][] = [
  ['nothing', {}],
  ['no type', { properties: { a: { type: 'string' } } }],
  ['another root type', { type: ['object', 'null'], properties: { a: { type: 'string' } } }],
  [
    'a root anyOf',
    object({ a: { type: 'string' }, b: { type: 'string' } }, { anyOf: [{ required: ['a'] }, { required: ['b'] }] }),
  ],
  [
    'a root oneOf of objects',
    { type: 'object', oneOf: [object({ a: { type: 'string' } }), object({ b: { type: 'number' } })] },
  ],
  [
    'a root allOf with references',
    { allOf: [{ $ref: '#/$defs/a' }, object({ b: {} })], $defs: { a: object({ a: { type: 'string' } }) } },
  ],
  ['a root reference', { $ref: '#/definitions/a', definitions: { a: object({ a: { type: 'string' } }) } }],
  [
    'a root if',
    object(
      { a: { type: 'string' } },
      { if: { required: ['a'] }, [THEN]: object({ b: { type: 'string' } }, { required: ['b'] }), else: false },
    ),
  ],
  ['a root not and enum', object({}, { not: { required: ['x'] }, enum: [{}] })],
  ['a dangling reference', object({ a: { $ref: '#/$defs/missing' }, b: { type: 'string' } })],
  ['a remote reference', object({ a: { $ref: 'https://schemas.example/a.json' } })],
  [
    'a reference into a definition',
    object({ a: { $ref: '#/$defs/x/properties/y' } }, { $defs: { x: object({ y: { type: 'string' } }) } }),
  ],
  ['a reference to a property', object({ a: { type: 'string' }, b: { $ref: '#/properties/a' } })],
  ['a reference to the root', object({ child: { $ref: '#' }, children: { type: 'array', items: { $ref: '#' } } })],
  ['an escaped reference', object({ a: { $ref: '#/$defs/a~1b%20c' } }, { $defs: { 'a/b c': { type: 'string' } } })],
  [
    'mutual recursion',
    object(
      { a: { $ref: '#/$defs/a' } },
      { $defs: { a: object({ b: { $ref: '#/$defs/b' } }), b: object({ a: { $ref: '#/$defs/a' } }) } },
    ),
  ],
  [
    'nested definitions',
    object({ a: object({ b: { $ref: '#/properties/a/$defs/c' } }, { $defs: { c: { type: 'integer' } } }) }),
  ],
  ['boolean schemas', object({ any: true, never: false, list: { type: 'array', items: true } })],
  ['an empty schema', object({ any: {}, described: { description: 'Anything.' } })],
  [
    'lists of types',
    object({ a: { type: ['string', 'null'] }, b: { type: ['string', 'number'], description: 'Either.' } }),
  ],
  ['null alternatives', object({ a: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null } })],
  [
    'nested anyOf',
    object({
      a: {
        description: 'One.',
        anyOf: [{ type: 'string' }, object({ x: { type: 'number' } }), { anyOf: [{ type: 'boolean' }] }],
      },
    }),
  ],
  ['nested oneOf of constants', object({ a: { oneOf: [{ const: 'x', description: 'The x.' }, { const: 'y' }] } })],
  ['nested allOf', object({ a: { allOf: [{ type: 'string' }, { minLength: 2 }] } })],
  [
    'discriminated alternatives',
    object({
      a: {
        oneOf: [
          object({ kind: { const: 'x' }, v: { type: 'string' } }),
          object({ kind: { const: 'y' }, v: { type: 'number' } }),
        ],
      },
    }),
  ],
  ['const', object({ a: { const: 'x' }, b: { const: 1 }, c: { const: null }, d: { const: { e: 1 } } })],
  [
    'enums of other types',
    object({
      a: { enum: [1, 2] },
      b: { enum: ['x', null, ''] },
      c: { enum: ['x', 1, true] },
      d: { type: 'number', enum: [0.5] },
    }),
  ],
  [
    'formats',
    object({
      a: { type: 'string', format: 'date-time' },
      b: { type: 'string', format: 'uri' },
      c: { type: 'number', format: 'int32' },
    }),
  ],
  [
    'additionalProperties',
    object({ a: { type: 'object', additionalProperties: { type: 'string' } } }, { additionalProperties: false }),
  ],
  [
    'patternProperties',
    object({ a: object({}, { patternProperties: { '^x-': { type: 'string' } }, propertyNames: { pattern: '^x' } }) }),
  ],
  [
    'lists without items',
    object({
      a: { type: 'array' },
      b: { type: 'array', items: [{ type: 'string' }, { type: 'number' }] },
      c: { type: 'array', prefixItems: [{ type: 'string' }], items: false },
    }),
  ],
  [
    'bounds',
    object({
      a: { type: 'number', exclusiveMinimum: 0, multipleOf: 5, minimum: '1' },
      b: { type: 'array', items: { type: 'string' }, uniqueItems: true, contains: { const: 'x' } },
    }),
  ],
  ['required names without property', object({ a: { type: 'string' } }, { required: ['a', 'b', 7] })],
  [
    'names of properties',
    object(
      {
        $filter: { type: 'string' },
        '@type': { type: 'string' },
        größe: { type: 'string' },
        'with space': { type: 'string' },
        '1st': { type: 'string' },
        ['x'.repeat(80)]: { type: 'string' },
        __proto__x: {},
      },
      { required: ['$filter', '@type'] },
    ),
  ],
  [
    'names of properties in lists',
    object({
      list: { type: 'array', items: object({ $id: { type: 'string' } }) },
      either: { anyOf: [object({ 'a b': { type: 'string' } }), { type: 'string' }] },
    }),
  ],
  [
    'extensions',
    object(
      {
        a: {
          type: 'string',
          'x-mcp-header': 'X',
          $comment: 'c',
          deprecated: true,
          examples: ['e'],
          contentEncoding: 'base64',
        },
      },
      { $schema: 'http://json-schema.org/draft-07/schema#', $id: 'https://x.example/a' },
    ),
  ],
  [
    'wrong keywords',
    {
      type: 'object',
      properties: { a: { type: 'any', enum: 'x', required: 'y', items: 7, properties: [], anyOf: 'z' } },
      required: 'a',
    },
  ],
  [
    'dependentSchemas and unevaluated',
    object({ a: {} }, { dependentSchemas: { a: object({ b: {} }) }, unevaluatedProperties: false }),
  ],
];

/** As `loadTools` does it. */
function forModel(schema: JsonObject) {
  return portableSchema(modelSchema(schema).schema);
}

describe('portableSchema', () => {
  it.each(SHAPES)('makes a schema with %s acceptable for OpenAI, Anthropic and Gemini', (_what, schema) => {
    const portable = forModel(schema).schema;
    expect(refusedByOpenAi(portable)).toEqual([]);
    expect(refusedByAnthropic(portable)).toEqual([]);
    expect(refusedByGemini(portable)).toEqual([]);
  });

  it('leaves a schema as it is that every provider accepts', () => {
    const schema = object(
      {
        title: { type: 'string', description: 'The title.', minLength: 1, pattern: '^[a-z]+$' },
        due: { type: 'string', format: 'date-time' },
        state: { type: 'string', enum: ['open', 'closed'] },
        points: { type: 'integer', minimum: 1, maximum: 13 },
        tags: { type: 'array', items: { type: 'string' }, maxItems: 5 },
        assignee: object({ name: { type: 'string' } }, { required: ['name'] }),
        urgent: { type: 'boolean' },
        parent: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
      },
      { required: ['title'], description: 'An issue.' },
    );
    expect(forModel(schema).schema).toEqual(schema);
  });

  it('merges alternatives at the root, and says which parameters belong together', () => {
    const branch = (name: string) =>
      object({ [name]: { type: 'string' }, kind: { const: name } }, { required: [name, 'kind'] });
    expect(forModel({ type: 'object', oneOf: [branch('id'), branch('email')] }).schema).toEqual({
      type: 'object',
      description: 'Give the parameters of one of these sets: id, kind | email, kind.',
      properties: {
        id: { type: 'string' },
        kind: { type: 'string', enum: ['id', 'email'] },
        email: { type: 'string' },
      },
      required: ['kind'],
    });
  });

  it('says in words what it leaves out', () => {
    const description = (schema: object) => {
      const { a } = forModel(object({ a: schema })).schema['properties'] as { a: { description?: string } };
      return a.description;
    };
    expect(description({ type: 'string', format: 'email', default: 'x' })).toBe('Format: email.\nDefault: "x".');
    expect(description({ type: 'integer', enum: [1, 2], description: 'A level.' })).toBe('A level.\nOne of: 1, 2.');
    expect(description({ type: ['string', 'null'] })).toBe('May be null.');
    expect(description({ type: 'number', exclusiveMinimum: 0, multipleOf: 5 })).toBe(
      'Greater than 0.\nA multiple of 5.',
    );
    expect(description({ type: 'object', additionalProperties: { type: 'string' } })).toBe(
      'Any other names, with values of type string.',
    );
    expect(description({ oneOf: [{ const: 'x', description: 'The x.' }, { const: 'y' }] })).toBe('x: The x.');
  });

  it('gives the arguments of the model the names of the server, at every depth', () => {
    const { schema, restored } = forModel(
      object({
        $filter: { type: 'string' },
        _filter: { type: 'string' },
        list: { type: 'array', items: object({ '@id': { type: 'string' } }) },
        either: { anyOf: [{ type: 'string' }, object({ 'a b': object({ $c: {} }) })] },
      }),
    );
    expect(Object.keys(schema['properties'] as object)).toEqual(['_filter_2', '_filter', 'list', 'either']);
    const args = { _filter_2: 'f', _filter: 'g', list: [{ _id: '1' }, 'x'], either: { a_b: { _c: 1 } }, other: 1 };
    expect(restored(args)).toEqual({
      $filter: 'f',
      _filter: 'g',
      list: [{ '@id': '1' }, 'x'],
      either: { 'a b': { $c: 1 } },
      other: 1,
    });
  });

  it('returns the same arguments if no name was replaced', () => {
    const args = { a: 1 };
    expect(forModel(object({ a: {} })).restored(args)).toBe(args);
  });

  it.each<[string, JsonObject]>([
    [
      'a chain of pointers',
      object(
        Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`p${i}`, { $ref: `#/properties/p${i + 1}` }])),
      ),
    ],
    ['definitions that all refer to each other', dense(12)],
    ['many alternatives of many properties', wide(60)],
  ])('is quick for %s', (_what, schema) => {
    const startedMs = performance.now();
    try {
      forModel(schema);
    } catch (error) {
      expect(error).toBeInstanceOf(UnusableSchemaError);
    }
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});

describe('argumentsChecker', () => {
  const check = (schema: JsonObject, args: unknown) => argumentsChecker(schema)(args);

  it('validates with the schema of the server, not with the one for the model', () => {
    const schema = object(
      { a: { type: 'string' }, b: { type: 'string' } },
      { oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    );
    expect(check(schema, { a: 'x' })).toBeUndefined();
    expect(check(schema, { a: 'x', b: 'y' })).toEqual(expect.any(String));
    expect(check(schema, {})).toEqual(expect.any(String));
  });

  it.each<[string, object, object, object]>([
    ['a constant', { const: 5 }, { a: 5 }, { a: 6 }],
    ['a group in a pattern', { type: 'string', pattern: '^(a|b)+$' }, { a: 'abab' }, { a: 'abc' }],
    ['a condition', { if: { type: 'string' }, [THEN]: { minLength: 3 } }, { a: 'abc' }, { a: 'ab' }],
    ['a recursion', { $ref: '#' }, { a: { a: {} } }, { a: 'x' }],
  ])('validates %s', (_what, a, right, wrong) => {
    expect(check(object({ a }), right)).toBeUndefined();
    expect(check(object({ a }), wrong)).toEqual(expect.any(String));
  });

  it('validates the rest of a schema with a reference that leads nowhere', () => {
    const schema = object({ a: { $ref: '#/$defs/missing' }, b: { type: 'string' } }, { required: ['b'] });
    expect(check(schema, { a: 1, b: 'x' })).toBeUndefined();
    expect(check(schema, { a: 1 })).toEqual(expect.any(String));
    expect(check(schema, { b: 1 })).toEqual(expect.any(String));
  });
});

function dense(count: number): JsonObject {
  const names = Array.from({ length: count }, (_, index) => `d${index}`);
  const refs = () => Object.fromEntries(names.map((name) => [name, { $ref: `#/$defs/${name}` }]));
  return object(
    { a: { $ref: '#/$defs/d0' } },
    { $defs: Object.fromEntries(names.map((name) => [name, object(refs())])) },
  );
}

function wide(count: number): JsonObject {
  const variant = (index: number) =>
    object(Object.fromEntries(Array.from({ length: count }, (_, name) => [`p${name}`, { const: `${index}` }])), {
      required: Array.from({ length: count }, (_, name) => `p${name}`),
    });
  return { type: 'object', anyOf: Array.from({ length: count }, (_, index) => variant(index)) };
}
