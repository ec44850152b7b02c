import { describe, expect, it } from '@jest/globals';
import { withoutRepetition } from './without-repetition.ts';

const artifact = [{ type: 'mcp_structured_content', data: { total: 1 } }];

describe('withoutRepetition', () => {
  it('leaves the text where the structured content says the same', () => {
    const block = { type: 'text', text: '{ "total": 1 }', structuredContent: { total: 1 } };
    expect(withoutRepetition([block, artifact])).toEqual(['{ "total": 1 }', artifact]);
  });

  it.each([
    ['says more', '{"total":1}', { total: 1, items: [] }],
    ['is what the text only describes', 'One item.', { total: 1 }],
  ])('leaves both where the structured content %s', (_how, text, structuredContent) => {
    const result = [{ type: 'text', text, structuredContent }, artifact];
    expect(withoutRepetition(result)).toBe(result);
  });

  it.each([
    ['plain text', ['text', []]],
    ['blocks', [[{ type: 'text', text: 'a' }], []]],
    ['something else', undefined],
  ])('leaves %s as it is', (_what, result) => {
    expect(withoutRepetition(result)).toBe(result);
  });
});
