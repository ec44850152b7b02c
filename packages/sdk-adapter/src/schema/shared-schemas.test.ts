import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { Budget } from './budget.ts';
import { readingBudget } from './document.ts';
import { schemaLimits } from './limits.ts';
import { sharedSchema } from './shared-schemas.ts';
import { TooMuchWork } from './unusable-schema.ts';

const limits = schemaLimits();
/** A schema as a server sends it. */
const sent = (text: string): unknown => JSON.parse(text);
const RECORD = '{"type":"object","properties":{"id":{"type":"string","pattern":"^[A-Z]+-[0-9]+$"}},"required":["id"]}';

describe('schemas that are in use at the same time', () => {
  it('are read once if they have exactly the same text and limits', () => {
    const first = sharedSchema(sent(RECORD), limits);
    expect(sharedSchema(sent(RECORD), limits)).toBe(first);
    expect(first.faultOf({ id: 'BOT-1' })).toBeUndefined();
    expect(first.faultOf({ id: 'bot' })).toBeDefined();
    expect(sharedSchema(sent(RECORD), schemaLimits({ work: 1_000 }))).not.toBe(first);
    // A fault names the first rule that fails, so the order of the keywords matters.
    expect(sharedSchema(sent('{"required":["id"],"type":"object"}'), limits)).not.toBe(
      sharedSchema(sent('{"type":"object","required":["id"]}'), limits),
    );
  });

  it.each([
    ['{"const":1e999}', '{"const":null}', null],
    ['{"const":[-1e999]}', '{"const":[null]}', [null]],
    ['{"enum":["\\ud800"]}', '{"enum":["\\\\ud800"]}', '\\ud800'],
    ['{"const":{"__proto__":1}}', '{"const":{}}', {}],
    ['{"const":"1"}', '{"const":1}', 1],
  ])('are not taken for each other: %s of one server leaves %s of another as it is', (hostile, honest, valid) => {
    const held = sharedSchema(sent(hostile), limits);
    expect(sharedSchema(sent(honest), limits).faultOf(valid)).toBeUndefined();
    expect(held.faultOf(valid)).toBeDefined();
  });

  it('are not taken for each other if an application made one that writes itself as the other', () => {
    const held = sharedSchema({ const: new Date(0) }, limits);
    expect(held).toBeDefined();
    expect(sharedSchema(sent('{"const":"1970-01-01T00:00:00.000Z"}'), limits).faultOf({})).toBeDefined();
  });

  it('are read by themselves if an object is in several places of them', () => {
    const text = { type: 'string' };
    const own = { properties: { a: text, b: text } };
    const limit = schemaLimits({ subschemas: 2 });
    expect(sharedSchema(own, limit).faultOf({ b: 1 })).toBeDefined();
    expect(() => sharedSchema(sent(JSON.stringify(own)), limit)).toThrow('more than 2 schemas');
  });

  it('do not change when the object of one of them is changed', () => {
    const own = { const: { state: 'open' }, enum: [{ state: 'open' }] };
    const first = sharedSchema(own, limits);
    own.const.state = 'closed';
    own.enum[0] = { state: 'closed' };
    expect(first.faultOf({ state: 'open' })).toBeUndefined();
    expect(sharedSchema(sent('{"const":{"state":"open"},"enum":[{"state":"open"}]}'), limits)).toBe(first);
  });

  it('take the same work from the budget of each list, whether or not another one has read them', () => {
    const spent = () => {
      const work = readingBudget(limits);
      return [sharedSchema(sent(RECORD), limits, work), work.spent] as const;
    };
    const [[first, before], [second, after]] = [spent(), spent()];
    expect(second).toBe(first);
    expect(after).toBe(before);
    expect(() => sharedSchema(sent(RECORD), limits, new Budget(before - 1, 'this takes'))).toThrow(TooMuchWork);
  });

  it('cannot be used by anyone if one of them cannot', () => {
    const broken = '{"properties":{"a":{"$ref":"#/$defs/none"}}}';
    for (let times = 0; times < 2; times += 1) {
      expect(() => sharedSchema(sent(broken), limits)).toThrow('refers to a schema that it does not contain');
    }
  });

  it('leave the memory with the last one that is used', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const documents = Array.from({ length: 50 }, (_, index) => {
      const document = sharedSchema(sent(`{"title":"schema ${index}","type":"string"}`), limits);
      return new WeakRef(document);
    });
    for (let times = 0; times < 20 && documents.some((document) => document.deref()); times += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    expect(documents.filter((document) => document.deref())).toEqual([]);
    expect(sharedSchema(sent('{"title":"schema 7","type":"string"}'), limits).faultOf(7)).toBeDefined();
  });
});
