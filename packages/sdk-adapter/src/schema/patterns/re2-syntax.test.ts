import { describe, expect, it } from '@jest/globals';
import { RE2JS } from 're2js';
import { UnusableSchema } from '../unusable-schema.ts';
import { re2Pattern } from './re2-syntax.ts';

const TEXTS = [
  '',
  'a',
  'A',
  'ab',
  'aab',
  'b',
  '1',
  '_',
  '-',
  ']',
  '[',
  '\\',
  '/',
  '{',
  '}',
  '.',
  '^',
  '$',
  ' ',
  '\t',
  '\n',
  '\r',
].concat(
  [
    '\u000b',
    '\u00a0',
    '\u1680',
    '\u2028',
    '\u3000',
    '\ufeff',
    '\u200b',
    'é',
    'Ω',
    'ж',
    '😀',
    '\u212a',
    '\u0000',
    '\u0001',
    '\b',
    'a\nb',
  ],
  ['a]', 'a{2}', 'x{,5}', 'user@example.com', '2026-11-28', 'a-b_c.d', 'aaa', 'abab', '\u{1f600}x', 'a b'],
);

function matches(pattern: string, text: string): boolean {
  return RE2JS.compile(re2Pattern(pattern).source).test(text);
}

const PATTERNS = String.raw`a ^a$ a* ^a+$ ^a?b$ a|b ^(a|b)*$ ^(?:ab)+$ ^(?<name>a)b$ ^a{2} ^a{1,2}$ ^a{2,}$ a{2}?
  . ^.$ ^..$ [^] [] ^[^a]$ [a-c] [-a] [a-] [\]] [\[] [[] [[:alpha:] [\^] [a^] [\\] \d \D \w \W \s \S [\s] [\S] [^\s] [^\S] [\s\S]
  [\w.-]+ [\d-x] \b \B [\b] \/ \- \. \$ \^ \{ \} \_ \@ \t \n \r \f \v \0 \cA \x41 \u0041 ^[\w.+-]+@[\w-]+\.[\w.-]+$
  ^\d{4}-\d{2}-\d{2}$ x{,5} a{ { } ] ^$ $^ (?:) () é [à-ÿ] \u00e9`.split(/\s+/u);
const UNICODE_PATTERNS =
  String.raw`\u{1F600} \ud83d\ude00 ^.$ [\u{1F600}-\u{1F64F}] \p{L} \P{L} [\p{L}\d] ^\p{Letter}$ ^\p{Lu}$
  \p{Script=Greek} \p{sc=Cyrillic} \p{General_Category=Uppercase_Letter} \p{gc=Nd} 😀 [😀]`.split(/\s+/u);

describe('re2Pattern', () => {
  it.each(PATTERNS)('matches the same texts as RegExp without flags: %s', (pattern) => {
    for (const text of TEXTS.filter((one) => Array.from(one).length === one.length)) {
      expect([text, matches(pattern, text)]).toEqual([text, new RegExp(pattern).test(text)]);
    }
  });

  it.each([...UNICODE_PATTERNS, ...PATTERNS.filter(isUnicode)])(
    'matches the same texts as RegExp with the flag u: %s',
    (pattern) => {
      for (const text of TEXTS)
        expect([text, matches(pattern, text)]).toEqual([text, new RegExp(pattern, 'u').test(text)]);
    },
  );

  it.each([
    '(?=a)',
    '(?!a)',
    '(?<=a)b',
    '(?<!a)b',
    '(a)\\1',
    '(?<n>a)\\k<n>',
    '(',
    '[',
    'a**',
    '\\p{Script_Extensions=Greek}',
    'a{1001}',
  ])('refuses %s', (pattern) => expect(() => re2Pattern(pattern)).toThrow(UnusableSchema));

  it.each([
    ['a{1000}', 1_000],
    ['(a{30}){30}', 900],
    ['((a{10}){10}){10}', 1_000],
    ['[ab]{0,500}', 1_000],
    ['(?:a|b|ab){100,200}', 1_200],
    ['a{900}a{900}', 1_800],
    ['\\d{900}\\w{900}', 1_800],
  ])('estimates the size of %s before it is compiled: at least %i', (pattern, size) => {
    const translated = re2Pattern(pattern);
    expect(translated.size).toBeGreaterThanOrEqual(size);
    expect(translated.size * 2).toBeGreaterThanOrEqual(RE2JS.compile(translated.source).programSize());
  });

  it('matches the same texts as RegExp for random patterns', () => {
    const random = randomNumbers(20261128);
    let compared = 0;
    for (let round = 0; round < 3_000; round += 1) {
      const pattern = Array.from({ length: 1 + random(6) }, () => PIECES[random(PIECES.length)]).join('');
      if (!isUnicode(pattern)) continue;
      compared += 1;
      for (let times = 0; times < 5; times += 1) {
        const text = Array.from({ length: random(6) }, () => LETTERS[random(LETTERS.length)]).join('');
        expect([pattern, text, matches(pattern, text)]).toEqual([pattern, text, new RegExp(pattern, 'u').test(text)]);
      }
    }
    expect(compared).toBeGreaterThan(1_000);
  });
});

const PIECES = [
  'a',
  'b',
  '.',
  '\\d',
  '\\s',
  '\\S',
  '\\w',
  '\\W',
  '[ab]',
  '[^ab]',
  '[\\s\\d]',
  '[^\\S]',
  '[]',
  '[^]',
  '(',
  ')',
  '(?:',
  '|',
  '*',
  '+',
].concat([
  '?',
  '{2}',
  '{1,3}',
  '{0,2}',
  '^',
  '$',
  '\\b',
  '\\B',
  '\\.',
  '\\]',
  '\\u0061',
  '\\x62',
  '\\n',
  '-',
  '[-a]',
  '\\p{L}',
  '\\P{Lu}',
]);
const LETTERS = ['a', 'b', 'A', '1', ' ', '\n', '.', ']', '-', 'é', '😀', '\u2028', '\u00a0', '_'];

function isUnicode(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

/** A generator of numbers below `limit` that are the same in every run. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
