import { describe, expect, it } from '@jest/globals';
import { withoutRepetition } from './without-repetition.ts';

const artifact = [{ type: 'mcp_structured_content', data: { total: 1 } }];

describe('withoutRepetition', () => {
  it('keeps only the text if the structured content has the same data', () => {
    const block = { type: 'text', text: '{ "total": 1 }', structuredContent: { total: 1 } };
    expect(withoutRepetition([block, artifact])).toEqual(['{ "total": 1 }', artifact]);
  });

  it.each([
    ['has more data', '{"total":1}', { total: 1, items: [] }],
    ['has data that the text only describes', 'One item.', { total: 1 }],
  ])('keeps both if the structured content %s', (_how, text, structuredContent) => {
    const result = [{ type: 'text', text, structuredContent }, artifact];
    expect(withoutRepetition(result)).toBe(result);
  });

  it('gives the model no metadata of the protocol, and keeps other metadata', () => {
    const own = { 'io.modelcontextprotocol/serverInfo': { name: 'n', version: '1' } };
    expect(withoutRepetition([{ type: 'text', text: 'a', meta: own }, artifact])).toEqual(['a', artifact]);
    const structuredContent = { total: 1 };
    expect(withoutRepetition([{ type: 'text', text: 'a', structuredContent, meta: own }, artifact])).toEqual([
      { type: 'text', text: 'a', structuredContent },
      artifact,
    ]);
    const other = [{ type: 'text', text: 'a', meta: { ...own, page: 2 } }, artifact];
    expect(withoutRepetition(other)).toBe(other);
  });

  it.each([
    ['plain text', ['text', []]],
    ['blocks', [[{ type: 'text', text: 'a' }], []]],
    ['an unknown result', undefined],
  ])('does not change %s', (_what, result) => {
    expect(withoutRepetition(result)).toBe(result);
  });
});
