import { describe, expect, it } from '@jest/globals';
import { parseStrictObject } from './strict-json.ts';

describe('parseStrictObject', () => {
  it.each([
    '{}',
    '{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}',
    '{"a":"{\\"a\\":1,\\"a\\":2}","b":"a"}',
    ' { "a" : [ "a", "a" ] , "b" : "a" } ',
    '{"a":"\\\\","b":"\\\\"}',
    '{"a":"\\ud83d\\ude00","b":"\ud83d\ude00"}',
    '{"a":"\\\\ud800","b":"a"}',
  ])('reads %s', (text) => {
    expect(parseStrictObject(text)).toEqual(JSON.parse(text));
  });

  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"b":{"a":1,"c":[],"a":2}}',
    '{"b":[{"a":1,"a":2}]}',
    '{"a":{"x":1},"b":[1,2],"a":{}}',
    '{"__proto__":1,"__proto__":2}',
    '{"a":"\\ud800"}',
    '{"a":"\\\\\\udfff"}',
    '{"a":["\\ude00\\ud83d"]}',
    '{"\\uD800":1}',
    '[]',
    'null',
    '"a"',
    '{',
    '',
  ])('refuses %s', (text) => {
    expect(() => parseStrictObject(text)).toThrow(SyntaxError);
  });

  it('parses 2000 members and 4000 levels of nesting', () => {
    const wide = `{${Array.from({ length: 2000 }, (_, at) => `"${at}":"\\\\${'x'.repeat(5)}"`).join(',')}}`;
    expect(Object.keys(parseStrictObject(wide))).toHaveLength(2000);
    expect(() => parseStrictObject(`{"a":${'['.repeat(4000)}${']'.repeat(4000)},"a":1}`)).toThrow(SyntaxError);
  });
});
