import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const BLOCK = /(?:<!-- from (?<source>\S+) -->\s*)?```ts\n(?<code>[\s\S]*?)```/gu;

const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
  ...readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}/README.md`),
].filter((page) => page.endsWith('.md') && existsSync(join(ROOT, page)));

/** A file, or what stands between `// #region NAME` and the next `// #endregion` of it, without its indentation. */
function source(reference: string): string {
  const [file = '', region] = reference.split('#');
  const text = readFileSync(join(ROOT, file), 'utf8');
  if (region === undefined) return text;
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.trim() === `// #region ${region}`);
  const length = lines.slice(start + 1).findIndex((line) => line.trim() === '// #endregion');
  if (start < 0 || length < 0) throw new Error(`${file} has no region "${region}"`);
  const body = lines.slice(start + 1, start + 1 + length);
  const indent = Math.min(...body.filter((line) => line !== '').map((line) => line.length - line.trimStart().length));
  return `${body.map((line) => line.slice(indent)).join('\n')}\n`;
}

describe.each(pages)('%s', (page) => {
  const blocks = [...readFileSync(join(ROOT, page), 'utf8').matchAll(BLOCK)].map(({ groups }) => groups ?? {});

  it('shows no code but what runs', () => {
    expect(blocks.filter((block) => block['source'] === undefined).map((block) => block['code'])).toEqual([]);
    for (const block of blocks) expect(block['code']).toBe(source(block['source'] ?? ''));
  });
});
