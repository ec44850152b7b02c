/** A tool of a stranger: its output schema, and the structured content of its result. */
export interface HostileSchema {
  readonly name: string;
  readonly outputSchema: unknown;
  readonly content: unknown;
  /** `valid` and `invalid`: the validation ended. `unused`: the schema cannot be used, so the result is not validated. */
  readonly outcome: 'valid' | 'invalid' | 'unused';
}

const LETTERS = `${'a'.repeat(50_000)}!`;

/** Patterns for which a backtracking engine needs a time that is exponential, or a high power, in the length of the text. */
const PATTERNS: readonly [pattern: string, text: string][] = [
  ['^(a+)+$', LETTERS],
  ['^(a|aa)+$', LETTERS],
  ['^(a|a)*$', LETTERS],
  ['^(.*a){12}$', LETTERS],
  [String.raw`^(\w+\s?)*$`, LETTERS],
  ['^(([a-z])+.)+[A-Z]([a-z])+$', LETTERS],
  ['^(a?){20}a{20}$', LETTERS],
  ['(x+x+)+y', 'x'.repeat(50_000)],
];

const object = (properties: Readonly<Record<string, unknown>>, more: object = {}) => ({
  type: 'object',
  properties,
  ...more,
});

/** `count` definitions, each of which evaluates the next one twice. */
function doubling(count: number, keyword: string): object {
  const twice = (index: number) => ({
    [keyword]: [{ $ref: `#/$defs/d${index + 1}` }, { $ref: `#/$defs/d${index + 1}` }],
  });
  const definitions = Array.from({ length: count }, (_, index) => [`d${index}`, twice(index)] as const);
  const last = keyword === 'allOf' ? {} : { type: 'string' };
  return { type: 'object', $defs: { ...Object.fromEntries(definitions), [`d${count}`]: last }, $ref: '#/$defs/d0' };
}

function nested(depth: number): object {
  let value: object = {};
  for (let level = 0; level < depth; level += 1) value = { a: value };
  return value;
}

const many = (count: number, entry: (index: number) => unknown) =>
  Array.from({ length: count }, (_, index) => entry(index));

export const HOSTILE_SCHEMAS: readonly HostileSchema[] = [
  ...PATTERNS.map(([pattern, text], index): HostileSchema => ({
    name: `pattern-${index}`,
    outputSchema: object({ v: { type: 'string', pattern } }),
    content: { v: text },
    outcome: 'invalid',
  })),
  ...PATTERNS.slice(0, 2).map(([pattern, text], index): HostileSchema => ({
    name: `pattern-properties-${index}`,
    outputSchema: { type: 'object', patternProperties: { [pattern]: {} }, additionalProperties: false },
    content: { [text]: 1 },
    outcome: 'invalid',
  })),
  {
    name: 'property-names',
    outputSchema: { type: 'object', propertyNames: { pattern: '^(a+)+$' } },
    content: { [LETTERS]: 1 },
    outcome: 'invalid',
  },
  {
    name: 'good-pattern',
    outputSchema: object({ v: { pattern: '^(a+)+$' } }),
    content: { v: 'aaaa' },
    outcome: 'valid',
  },
  {
    name: 'lookahead',
    outputSchema: object({ v: { pattern: '^(?=(a+)+$)' } }),
    content: { v: LETTERS },
    outcome: 'unused',
  },
  {
    name: 'lookbehind',
    outputSchema: object({ v: { pattern: '(?<=(a+)+)!$' } }),
    content: { v: 'b' },
    outcome: 'unused',
  },
  {
    name: 'backreference',
    outputSchema: object({ v: { pattern: String.raw`^(a+)\1+$` } }),
    content: { v: 'b' },
    outcome: 'unused',
  },
  { name: 'not-a-pattern', outputSchema: object({ v: { pattern: '(' } }), content: { v: 'b' }, outcome: 'unused' },
  {
    name: 'repetitions',
    outputSchema: object({ v: { pattern: '(a{1000}){1000}' } }),
    content: { v: 'b' },
    outcome: 'unused',
  },
  {
    name: 'many-repetitions',
    outputSchema: object({ v: { pattern: '.{1000}'.repeat(140) } }),
    content: { v: 'b' },
    outcome: 'unused',
  },
  {
    name: 'long-pattern',
    outputSchema: object({ v: { pattern: 'a'.repeat(2_000) } }),
    content: { v: 'b' },
    outcome: 'unused',
  },
  {
    name: 'many-patterns',
    outputSchema: { type: 'object', allOf: many(200, (index) => ({ pattern: `a${index}` })) },
    content: {},
    outcome: 'unused',
  },
  { name: 'dangling', outputSchema: object({ v: { $ref: '#/$defs/missing' } }), content: { v: 1 }, outcome: 'unused' },
  {
    name: 'remote',
    outputSchema: object({ v: { $ref: 'http://127.0.0.1:9/schema' } }),
    content: { v: 1 },
    outcome: 'unused',
  },
  {
    name: 'other-draft',
    outputSchema: object({}, { $schema: 'http://127.0.0.1:9/draft' }),
    content: {},
    outcome: 'unused',
  },
  {
    name: 'draft-04',
    outputSchema: object({}, { $schema: 'http://json-schema.org/draft-04/schema#' }),
    content: {},
    outcome: 'unused',
  },
  {
    name: 'draft-07',
    outputSchema: object({ v: { type: 'string' } }, { $schema: 'http://json-schema.org/draft-07/schema#' }),
    content: { v: 1 },
    outcome: 'invalid',
  },
  {
    name: 'draft-2019-09',
    outputSchema: object({ v: { type: 'string' } }, { $schema: 'https://json-schema.org/draft/2019-09/schema' }),
    content: { v: '' },
    outcome: 'valid',
  },
  { name: 'no-type', outputSchema: object({ v: { type: 'text' } }), content: { v: 1 }, outcome: 'unused' },
  {
    name: 'data-reference',
    outputSchema: object({ v: { minimum: { $data: '1/w' } } }),
    content: { v: 1, w: 2 },
    outcome: 'unused',
  },
  {
    name: 'async',
    outputSchema: object({ v: { type: 'string' } }, { $async: true }),
    content: { v: 1 },
    outcome: 'invalid',
  },
  { name: 'endless-reference', outputSchema: { type: 'object', $ref: '#' }, content: {}, outcome: 'unused' },
  {
    name: 'endless-choice',
    outputSchema: { type: 'object', anyOf: [{ $ref: '#' }, { $ref: '#' }] },
    content: {},
    outcome: 'unused',
  },
  {
    name: 'endless-dynamic-reference',
    outputSchema: { type: 'object', $dynamicAnchor: 'n', oneOf: [{ $dynamicRef: '#n' }, { $dynamicRef: '#n' }] },
    content: {},
    outcome: 'unused',
  },
  { name: 'doubling-all', outputSchema: doubling(60, 'allOf'), content: {}, outcome: 'unused' },
  { name: 'doubling-any', outputSchema: doubling(60, 'anyOf'), content: {}, outcome: 'unused' },
  { name: 'doubling-one', outputSchema: doubling(60, 'oneOf'), content: {}, outcome: 'unused' },
  { name: 'deep-content', outputSchema: object({ a: { $ref: '#' } }), content: nested(2_000), outcome: 'unused' },
  {
    name: 'deep-constant',
    outputSchema: { type: 'object', not: { const: 1 } },
    content: nested(2_000),
    outcome: 'valid',
  },
  { name: 'deep-schema', outputSchema: object({ v: nested(200) }), content: {}, outcome: 'unused' },
  {
    name: 'large-schema',
    outputSchema: object({ v: { description: 'x'.repeat(300_000) } }),
    content: {},
    outcome: 'unused',
  },
  {
    name: 'many-schemas',
    outputSchema: { type: 'object', allOf: many(6_000, () => ({})) },
    content: {},
    outcome: 'unused',
  },
  {
    name: 'unique-objects',
    outputSchema: object({ v: { uniqueItems: true } }),
    content: { v: many(20_000, (id) => ({ id })) },
    outcome: 'valid',
  },
  {
    name: 'large-enum',
    outputSchema: object({ v: { items: { enum: many(10_000, (id) => `v${id}`) } } }),
    content: { v: many(10_000, () => 'v9999') },
    outcome: 'valid',
  },
  {
    name: 'contains',
    outputSchema: object({ v: { contains: { allOf: many(100, () => ({ type: 'string' })) } } }),
    content: { v: many(50_000, () => '') },
    outcome: 'unused',
  },
  { name: 'inherited-name', outputSchema: object({}, { required: ['toString'] }), content: {}, outcome: 'invalid' },
  {
    name: 'same-id-1',
    outputSchema: object({ v: { type: 'string' } }, { $id: 'https://id.test/one' }),
    content: { v: 1 },
    outcome: 'invalid',
  },
  {
    name: 'same-id-2',
    outputSchema: object({ v: { type: 'number' } }, { $id: 'https://id.test/one' }),
    content: { v: 1 },
    outcome: 'valid',
  },
  {
    name: 'reference-to-other-tool',
    outputSchema: object({ v: { $ref: 'https://id.test/one' } }),
    content: { v: 1 },
    outcome: 'unused',
  },
  {
    name: 'same-id-twice',
    outputSchema: object({ v: { $id: 'https://id.test/two' }, w: { $id: 'https://id.test/two' } }),
    content: {},
    outcome: 'unused',
  },
  {
    name: 'format',
    outputSchema: object({ v: { format: 'email' } }),
    content: { v: `${'a.'.repeat(50_000)}@` },
    outcome: 'invalid',
  },
  { name: 'not-an-object-schema', outputSchema: { type: 'array' }, content: {}, outcome: 'unused' },
  { name: 'boolean-schema', outputSchema: true, content: {}, outcome: 'unused' },
  { name: 'text-schema', outputSchema: 'type: object', content: {}, outcome: 'unused' },
  {
    name: 'honest',
    outputSchema: object({ v: { type: 'number' } }, { required: ['v'] }),
    content: { v: 1 },
    outcome: 'valid',
  },
  {
    name: 'honest-but-wrong',
    outputSchema: object({ v: { type: 'number' } }, { required: ['v'] }),
    content: { v: '1' },
    outcome: 'invalid',
  },
];
