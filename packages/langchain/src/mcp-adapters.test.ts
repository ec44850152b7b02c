import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';

describe('mcp-adapters.ts', () => {
  it('is the only file of the packages that imports @langchain/mcp-adapters', async () => {
    const packages = new URL('../../', import.meta.url);
    const entries = await readdir(packages, { recursive: true, withFileTypes: true });
    const sources = entries.filter(
      ({ name, parentPath }) =>
        /(?<!\.test)\.tsx?$/u.test(name) && /\/src(?:\/|$)/u.test(parentPath) && !parentPath.includes('node_modules'),
    );
    expect(sources.length).toBeGreaterThan(300);
    const importing: string[] = [];
    for (const { name, parentPath } of sources) {
      const text = await readFile(`${parentPath}/${name}`, 'utf8');
      if (/(?:from|import|require)\s*\(?\s*['"]@langchain\/mcp-adapters/u.test(text)) importing.push(name);
    }
    expect(importing).toEqual(['mcp-adapters.ts']);
  });
});
