import { describe, expect, it } from '@jest/globals';
import { readingBudget, readSchema } from './document.ts';
import { schemaLimits } from './limits.ts';
import { re2Pattern } from './patterns/re2-syntax.ts';

const SIZES = [10, 100, 1_000];

const many = <T>(count: number, entry: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => entry(i));
const members = (count: number, name: (index: number) => string) =>
  Object.fromEntries(many(count, (index) => [name(index), index] as const));
/** So that every schema of the list is evaluated, and the value is valid. */
const each = (schemas: readonly object[]) => ({ allOf: schemas.map((schema) => ({ anyOf: [schema, true] })) });

/** The units to read a schema. */
function unitsToRead(schema: unknown): number {
  const limits = schemaLimits({ size: 10_000_000, subschemas: 100_000, reading: 1e12 });
  const work = readingBudget(limits);
  readSchema(schema, limits, work);
  return work.spent;
}

/** Whether a validation takes more than so many units. */
function takesMore(units: number, schema: unknown, value: unknown): boolean {
  const limits = schemaLimits({ work: units, reading: 1e9, size: 10_000_000, subschemas: 100_000 });
  try {
    readSchema(schema, limits).faultOf(value);
    return false;
  } catch (error) {
    expect(String(error)).toContain('units of work');
    return true;
  }
}

describe('the work to read a schema', () => {
  it.each<[family: string, schema: (size: number) => unknown, atMost: number]>([
    ['schemas', (size) => ({ $defs: Object.fromEntries(many(size, (i) => [`d${i}`, {}])) }), 60],
    [
      'references with a long $id',
      (size) => ({
        $id: `https://a.test/${'a'.repeat(1_900)}`,
        $defs: Object.fromEntries(many(size, (i) => [`d${i}`, { $ref: '#' }])),
      }),
      100,
    ],
    [
      'references to long pointers',
      (size) => ({
        $defs: { d: { $defs: { d: { $defs: { d: {} } } } } },
        allOf: many(size, (i) => ({ $ref: `#${'/$defs/d'.repeat(1 + (i % 3))}` })),
      }),
      120,
    ],
    ['values of an enum', (size) => ({ enum: many(size, (i) => ({ i })) }), 20],
    ['names that are required', (size) => ({ required: many(size, (i) => `name${i}`) }), 10],
  ])('grows with its size only: %s', (_family, schema, atMost) => {
    for (const size of SIZES) {
      const units = unitsToRead(schema(size));
      expect(units).toBeGreaterThan(size);
      expect(units).toBeLessThan(1_000 + atMost * size);
    }
  });

  it.each<[family: string, schema: (size: number) => unknown]>([
    [
      'relative references',
      (size) => ({
        $id: `https://a.test/${'a'.repeat(1_900)}`,
        $defs: Object.fromEntries(many(size, (i) => [`d${i}`, { $id: `?${i}` }])),
      }),
    ],
    ['Unicode properties', (size) => each(many(size / 10, (i) => ({ pattern: String.raw`\p{L}\p{Lu}${i}` })))],
  ])('counts what is slow: %s', (_family, schema) => {
    for (const size of SIZES) expect(unitsToRead(schema(size))).toBeGreaterThan(200 * size);
  });

  it('is limited for all schemas that are read with one budget', () => {
    const limits = schemaLimits();
    const work = readingBudget(limits);
    const schema = { properties: Object.fromEntries(many(1_000, (i) => [`p${i}`, { type: 'string' }])) };
    let read = 0;
    expect(() => {
      for (; read < 1_000; read += 1) readSchema(schema, limits, work);
    }).toThrow('units of work');
    expect(read).toBeGreaterThan(1);
    expect(read).toBeLessThan(50);
  });
});

const classes = (count: number) => `[${many(count, (i) => [String.raw`\p{L}`, String.raw`\P{Lu}`][i % 2]).join('')}]`;

describe('the work of a validation', () => {
  it.each<
    [family: string, schema: (n: number) => unknown, value: (n: number) => unknown, units: (n: number) => number]
  >([
    [
      'characters and instructions',
      (n) => each([{ pattern: `[ab]*a[ab]{${n / 2}}` }]),
      (n) => 'ab'.repeat(n),
      (n) => n * n * 0.5,
    ],
    [
      'instructions after an unlimited repetition',
      (n) => each([{ pattern: `^[ab]*a[ab]{${n / 2}}` }]),
      (n) => 'ab'.repeat(n),
      (n) => n * n * 0.5,
    ],
    ['properties of character classes', (n) => each([{ pattern: classes(n / 10) }]), () => 'a', (n) => 200 * n],
    [
      'properties of many patterns',
      (n) => each(many(n / 10, (i) => ({ pattern: `${classes(1)}${i}` }))),
      () => 'a',
      (n) => 200 * n,
    ],
    [
      'ranges of a character class',
      (n) => each([{ pattern: `[${many(n / 2, (i) => String.fromCharCode(0x4000 + 3 * i)).join('')}]` }]),
      () => 'a',
      (n) => 3 * n,
    ],
    [
      'the names of a large object',
      () => each([{ maxProperties: 1 }]),
      (n) => members(n * 10, (i) => `k${i}`),
      (n) => n * 20,
    ],
    [
      'names that are sorted',
      () => ({ uniqueItems: true }),
      (n) => [members(n, (i) => `${'k'.repeat(100)}${i}`)],
      (n) => n * 10,
    ],
    ['texts that are compared', () => ({ uniqueItems: true }), (n) => [[['x'.repeat(n * 10)]]], (n) => n],
    ['entries', () => ({ items: {} }), (n) => many(n, (i) => i), (n) => n * 0.3],
    [
      'entries that are evaluated already',
      () => ({ unevaluatedItems: true, contains: true }),
      (n) => many(n, (i) => i),
      (n) => n * 2,
    ],
    ['names that are required', (n) => each([{ required: many(n, (i) => `k${i}`) }]), () => ({}), (n) => n * 0.2],
    ['characters with a format', () => each([{ format: 'email' }]), (n) => 'a.'.repeat(n), (n) => Math.floor(n / 4)],
    ['formats', () => ({ items: each([{ format: 'ipv6' }]) }), (n) => many(n, () => '::1'), (n) => n * 8],
  ])('counts %s', (_family, schema, value, units) => {
    for (const n of SIZES) expect([n, takesMore(units(n), schema(n), value(n))]).toEqual([n, true]);
  });

  it.each<
    [family: string, schema: (n: number) => unknown, value: (n: number) => unknown, units: (n: number) => number]
  >([
    [
      'the size of an object that many schemas limit',
      (n) => each(many(n, () => ({ maxProperties: 1 }))),
      () => members(5_000, (i) => `k${i}`),
      (n) => 20_000 + 10 * n,
    ],
    [
      'a large object that is compared with numbers',
      (n) => each(many(n, (i) => ({ const: i }))),
      () => members(5_000, (i) => `k${i}`),
      (n) => 100 + 10 * n,
    ],
    [
      'a large object that is compared with objects',
      (n) => each(many(n, (i) => ({ enum: [{ i }] }))),
      () => members(5_000, (i) => `k${i}`),
      (n) => 20_000 + 10 * n,
    ],
    [
      'an object that is compared with many objects',
      (n) => each(many(n, (i) => ({ enum: [{ i }] }))),
      () => ({ a: 'x'.repeat(1_000) }),
      (n) => 500 + 40 * n,
    ],
    ['a type that is listed many times', (n) => ({ type: many(n, () => 'string') }), () => '', () => 10],
    ['entries beyond those of prefixItems', (n) => ({ prefixItems: many(n, () => true) }), () => [1], () => 20],
    ['a short text of digits', () => ({ pattern: String.raw`^\d{4}-\d{2}-\d{2}$` }), () => '2026-11-28', () => 1_500],
  ])('is small for %s', (_family, schema, value, units) => {
    for (const n of SIZES) expect([n, takesMore(units(n), schema(n), value(n))]).toEqual([n, false]);
  });
});

describe('the number of instructions that are active together', () => {
  it.each([
    [String.raw`^\d{4}-\d{2}-\d{2}$`, 1, 1],
    ['^[a-z0-9-]+$', 1, 8],
    ['^[ab]*a[ab]{400}', 400, 500],
    ['^a?b{300}', 300, 400],
    ['[ab]{300}', 300, 400],
    ['^(?:ab|b)[ab]{300}', 300, 400],
    ['^a|[ab]{300}', 300, 400],
  ])('in %s is from %i to %i', (pattern, atLeast, atMost) => {
    const { width } = re2Pattern(pattern);
    expect(width).toBeGreaterThanOrEqual(atLeast);
    expect(width).toBeLessThanOrEqual(atMost);
  });
});
