import { describe, expect, it } from '@jest/globals';
import { bodyMeter, type BodyMeter, eventMeter, jsonBodyMeter } from './body-limits.ts';

const MAX = 40;

/** Whether a meter refuses the text, for chunks of every size. Throws if the result depends on the size. */
function refuses(newMeter: () => BodyMeter, text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  const results = new Set<boolean>();
  for (let size = 1; size <= bytes.length; size += 1) {
    const meter = newMeter();
    let refused = false;
    for (let at = 0; at < bytes.length && !refused; at += size)
      refused = meter(bytes.subarray(at, at + size)) !== undefined;
    results.add(refused);
  }
  if (results.size !== 1) throw new Error(`the size of the chunks decides about ${JSON.stringify(text)}`);
  return results.has(true);
}

const event = (length: number) => `data: ${'x'.repeat(length)}`;

describe('eventMeter', () => {
  it.each<[string, string]>([
    ['many events that are small', `${event(20)}\n\n`.repeat(50)],
    ['events with CRLF', `event: message\r\n${event(10)}\r\n\r\n`.repeat(50)],
    ['events with CR', `event: message\r${event(10)}\r\r`.repeat(50)],
    ['events with mixed line ends', `${event(10)}\r\n\n${event(10)}\n\r\n${event(10)}\r\r\n${event(10)}\n\r`.repeat(9)],
    ['an event as large as the limit', `${event(MAX - 6)}\n\n`],
    ['an endless series of comments', ': ping\n'.repeat(200)],
    ['comments between the lines of an event', `${event(10)}\n${': ping\r\n'.repeat(90)}${event(5)}\r\n\r\n`],
    ['empty lines', '\n\r\r\n'.repeat(200)],
    ['a byte order mark', `\uFEFF${event(10)}\n\n`],
    ['an unknown field', `x: 1\n\n`.repeat(100)],
  ])('accepts %s', (_what, text) => {
    expect(refuses(() => eventMeter(MAX), text)).toBe(false);
  });

  it.each<[string, string]>([
    ['an event that is larger than the limit by one byte', `${event(MAX - 5)}\n\n`],
    ['a data line without an end', event(MAX * 3)],
    ['an event of many lines', 'data: x\n'.repeat(20)],
    ['an event of many empty data lines', 'data\r\n'.repeat(20)],
    ['a comment without an end', `:${'x'.repeat(MAX)}`],
    ['a retry field without an end', `retry: ${'1'.repeat(MAX)}`],
    ['an id field without an end', `id: ${'1'.repeat(MAX)}`],
    ['an endless series of id fields in one event', 'id: 1\n'.repeat(20)],
    ['a large event after small ones', `${event(5)}\r\n\r\n${event(5)}\r\r${event(5)}\n\n${event(MAX)}\n`],
    ['a large event with a comment in it', `${event(20)}\n: ping\n${event(20)}\n\n`],
    ['a line with a space instead of an empty line', `${event(15)}\n \n${event(15)}\n\n`],
    ['text that is not an event stream', '{"a":"'.repeat(20)],
  ])('refuses %s', (_what, text) => {
    expect(refuses(() => eventMeter(MAX), text)).toBe(true);
  });

  it('reads 16 MiB of small events, and of one line, in less than two seconds', () => {
    const small = new TextEncoder().encode(`${event(50)}\r\n\r\n`.repeat(1_000));
    const line = new TextEncoder().encode('x'.repeat(65_536));
    const started = performance.now();
    const meter = eventMeter(1_000);
    for (let bytes = 0; bytes < 8 * 1024 * 1024; bytes += small.length) expect(meter(small)).toBeUndefined();
    const lines = eventMeter(64 * 1024 * 1024);
    for (let bytes = 0; bytes < 8 * 1024 * 1024; bytes += line.length) expect(lines(line)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('bodyMeter', () => {
  it('accepts as many bytes as the limit, in any chunks', () => {
    expect(refuses(() => bodyMeter(MAX), 'x'.repeat(MAX))).toBe(false);
    expect(refuses(() => bodyMeter(MAX), 'x'.repeat(MAX + 1))).toBe(true);
  });
});

describe('the structure of JSON', () => {
  const LARGE = 64 * 1024 * 1024;
  const fill = `"${'x'.repeat(300_000)}"`;
  const message = '{"jsonrpc":"2.0","id":1,"result":{}}';
  const batch = (count: number) => `[${Array.from({ length: count }, () => message).join(',')},${fill}]`;
  const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}${fill}${']}'.repeat(depth / 2)}`;
  const brackets = JSON.stringify({ result: '[{"\\'.repeat(100_000) });

  it.each([
    ['a batch of many messages', batch(5_000), 'messages'],
    ['a batch of messages that are numbers', `[${'1,'.repeat(200_000)}1]`, 'messages'],
    ['a batch after spaces', `${' '.repeat(300_000)}[${'1,'.repeat(6_000)}1]`, 'messages'],
    ['many levels', nested(1_002), 'depth'],
    ['many levels after the first bytes', `{"b":${fill},"a":${nested(2_000)}}`, 'depth'],
    ['a batch of some messages', batch(4_000), undefined],
    ['a list of numbers in a result', `{"result":[${'1,'.repeat(200_000)}1]}`, undefined],
    ['some levels', nested(900), undefined],
    ['brackets and escapes in a string', brackets, undefined],
    ['a small text of many levels', '['.repeat(100_000), undefined],
  ])('of %s is limited as a body and as an event', (_what, text, excess) => {
    const bytes = new TextEncoder().encode(text);
    const inLines = new TextEncoder().encode(`: "\nid: "\ndata: ${text.replaceAll(',', ',\ndata:')}\n\n`);
    for (const [meter, whole] of [
      [jsonBodyMeter(LARGE), bytes],
      [eventMeter(LARGE), new TextEncoder().encode(`\uFEFFdata:${text}\n\n`)],
      [eventMeter(LARGE), inLines],
    ] as const) {
      const results = [];
      for (let at = 0; at < whole.length; at += 60_001) results.push(meter(whole.subarray(at, at + 60_001)));
      expect(results.find((result) => result !== undefined)).toBe(excess);
    }
  });

  it('is limited for each event on its own', () => {
    const meter = eventMeter(LARGE);
    const event = new TextEncoder().encode(`data: ${batch(3_000)}\r\n\r\n`);
    expect([meter(event), meter(event), meter(event)]).toEqual([undefined, undefined, undefined]);
  });
});
