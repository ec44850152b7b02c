import { describe, expect, it } from '@jest/globals';
import { normalResource } from './resource.ts';
import { parsedUrl } from './parsed-url.ts';

describe('parsedUrl', () => {
  it('parses absolute URLs, and relative ones with a base', () => {
    expect(parsedUrl('https://mcp.example/mcp')?.href).toBe('https://mcp.example/mcp');
    expect(parsedUrl('/b?c', 'https://mcp.example/a')?.href).toBe('https://mcp.example/b?c');
    for (const text of ['', 'mcp', '//', '/b', 'http://', 'https://exa mple']) expect(parsedUrl(text)).toBeUndefined();
  });

  it('parses a URL with other letters each time, also after the engine has optimised the function', () => {
    let parsed = 0;
    for (let time = 0; time < 30_000; time += 1) {
      if (parsedUrl('https://bücher.example/ü') !== undefined) parsed += 1;
    }
    expect(parsed).toBe(30_000);
    expect(normalResource('https://bücher.example/ü')).toBe('https://xn--bcher-kva.example/%C3%BC');
  });
});
