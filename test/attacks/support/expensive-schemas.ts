/** A family of schemas and values of a stranger that are as slow as they can be. */
export interface ExpensiveSchema {
  readonly schema: unknown;
  readonly value: unknown;
}

const many = <T>(count: number, entry: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => entry(i));
const named = (count: number, name: (index: number) => string, value: (index: number) => unknown = (index) => index) =>
  Object.fromEntries(many(count, (index) => [name(index), value(index)] as const));
/** So that every schema of the list is evaluated. */
const each = (schemas: readonly object[]) => ({ allOf: schemas.map((schema) => ({ anyOf: [schema, true] })) });
const PROPERTIES = [String.raw`\p{L}`, String.raw`\P{Lu}`, String.raw`\p{Mn}`, String.raw`\P{So}`, String.raw`\p{Ll}`];
const classOf = (count: number) => `[${many(count, (index) => PROPERTIES[index % 5] ?? '').join('')}]`;
const long = 'k'.repeat(200);

/** Letters that do not repeat: the sets of instructions that are active together are always new. */
function letters(length: number): string {
  let state = 7;
  return many(length, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state > 2 ** 31 ? 'a' : 'b';
  }).join('');
}

export const EXPENSIVE_SCHEMAS: Readonly<Record<string, () => ExpensiveSchema>> = {
  'references with a long $id': () => ({
    schema: {
      $id: `https://x.example/${'é'.repeat(60_000)}`,
      $defs: named(
        4_000,
        (i) => `d${i}`,
        () => ({ $ref: '#' }),
      ),
    },
    value: {},
  }),
  'references with the longest $id': () => ({
    schema: {
      $id: `https://x.example/${'a'.repeat(1_900)}`,
      $defs: named(
        4_000,
        (i) => `d${i}`,
        (i) => ({ $id: `?${i}` }),
      ),
    },
    value: {},
  }),
  'references to long pointers': () => ({
    schema: {
      $defs: named(
        120,
        (i) => `d${i}`,
        (i) => ({ $ref: `#${'/$defs/d0/a'.repeat(150)}/${i}` }),
      ),
    },
    value: {},
  }),
  'character classes': () => ({ schema: each(many(100, (i) => ({ pattern: `${classOf(150)}${i}` }))), value: 'aaaa' }),
  'few large character classes': () => ({
    schema: each(many(5, (i) => ({ pattern: `(?:${classOf(150)}){200}${i}` }))),
    value: 'aaaa',
  }),
  'characters of classes': () => ({
    schema: each(
      many(100, (i) => ({ pattern: `[${many(900, (j) => String.fromCodePoint(0x4000 + 3 * j + i)).join('')}]` })),
    ),
    value: 'aaaa',
  }),
  'a pattern with many states': () => ({
    schema: each([{ pattern: String.raw`[ab]*a[ab]{20}\d` }]),
    value: letters(60_000),
  }),
  'an anchored pattern with many states': () => ({
    schema: each([{ pattern: String.raw`^[ab]*a[ab]{400}\d` }]),
    value: letters(50_000),
  }),
  'the size of an object': () => ({
    schema: each(many(2_000, () => ({ maxProperties: 1 }))),
    value: named(5_000, (i) => `${long}${i}`),
  }),
  'constants and a large object': () => ({
    schema: each(many(10, (i) => ({ const: i }))),
    value: named(60_000, (i) => `${long}${i}`),
  }),
  'a constant and a very large object': () => ({ schema: { const: 1 }, value: named(400_000, (i) => `k${i}`) }),
  'objects that are compared': () => ({
    schema: each(many(200, (i) => ({ enum: [{ [`${long}${i}`]: i }] }))),
    value: { [`${long}x`]: long.repeat(1_000) },
  }),
  'entries that are unique': () => ({
    schema: { uniqueItems: true },
    value: [named(60_000, (i) => `${long}${(i * 7_919) % 60_000}`)],
  }),
  'types that are listed many times': () => ({
    schema: { items: each([{ type: many(20_000, () => 'string') }]) },
    value: many(100_000, () => 1),
  }),
  'names that are required': () => ({
    schema: { items: each([{ required: many(10_000, (i) => `k${i}`) }]) },
    value: many(1_000, () => ({})),
  }),
  formats: () => ({
    schema: { items: each(many(200, () => ({ format: 'ipv6' }))) },
    value: many(5_000, () => '1:2:3:4:5:6:7::'),
  }),
  'references that double': () => ({
    schema: {
      $defs: named(
        40,
        (i) => `d${i}`,
        (i) => (i === 39 ? false : { anyOf: many(2, () => ({ $ref: `#/$defs/d${i + 1}` })) }),
      ),
      anyOf: [{ $ref: '#/$defs/d0' }, true],
    },
    value: {},
  }),
};
