import { describe, expect, it } from '@jest/globals';
import { isSimplePattern } from './simple-pattern.ts';

describe('isSimplePattern', () => {
  it.each([
    '^[a-z0-9-]+$',
    String.raw`^\d{4}-\d{2}-\d{2}$`,
    '^[A-Z]{2,5}-[0-9]{1,8}$',
    String.raw`^\S+$`,
    '^https?://',
    '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
    String.raw`^\(x\)\|\[y\]$`,
    '^.*$',
  ])('is true for %s', (pattern) => {
    expect(isSimplePattern(pattern)).toBe(true);
    const started = performance.now();
    new RegExp(pattern, 'u').test('a'.repeat(100_000));
    expect(performance.now() - started).toBeLessThan(200);
  });

  it.each([
    '^(a+)+$',
    '^(a|a)*$',
    '^(a|aa)+$',
    '^a*a*a*a*a*$',
    '^[a-z]*[a-z]*$',
    '(x+x+)+y',
    'a+$',
    String.raw`^(\w+\s?)*$`,
    String.raw`^(a)\1*$`,
    '^a{0,50}a{0,50}a{0,50}$',
    '^a?a?a?a?a?a?a?a?a?aaaaaaaaa$',
    '^a{5000}',
    '^(?=a)',
    '^[',
    String.raw`^[\w-.]+$`,
    `^${'a'.repeat(201)}`,
    '',
  ])('is false for %s', (pattern) => {
    expect(isSimplePattern(pattern)).toBe(false);
  });
});
